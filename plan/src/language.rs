//! Language tags (BCP 47) and language names, for viewers and players.
//!
//! Plans keep the language exactly as the source declares it, because renditions' ids contain it. The functions here
//! interpret it when it is shown.

use isolang::Language;
use oxilangtag::LanguageTag;

/// Bibliographic codes of ISO 639-2, which ISO 639-3 does not contain and Matroska prescribes, with their ISO 639-1
/// codes.
const BIBLIOGRAPHIC: [(&str, &str); 20] = [
    ("alb", "sq"),
    ("arm", "hy"),
    ("baq", "eu"),
    ("bur", "my"),
    ("chi", "zh"),
    ("cze", "cs"),
    ("dut", "nl"),
    ("fre", "fr"),
    ("geo", "ka"),
    ("ger", "de"),
    ("gre", "el"),
    ("ice", "is"),
    ("mac", "mk"),
    ("mao", "mi"),
    ("may", "ms"),
    ("per", "fa"),
    ("rum", "ro"),
    ("slo", "sk"),
    ("tib", "bo"),
    ("wel", "cy"),
];
/// Longest accepted tag in characters: RFC 5646 §4.4.1 asks for room for this many.
const LONGEST_TAG: usize = 35;

/// BCP 47 tag of a declared language: `deu` and `ger` become `de`, `pt_br` becomes `pt-BR`. Returns `None` if the
/// text does not have the form of a tag. A source may declare anything, and a strict parser refuses a whole MPD for
/// an invalid `lang` (`xs:language`).
pub fn tag(declared: &str) -> Option<String> {
    if declared.len() > LONGEST_TAG {
        return None;
    }
    let declared = declared.replace('_', "-");
    let parsed = LanguageTag::parse_and_normalize(&declared).ok()?;
    let first = parsed.primary_language();
    let rest = &parsed.as_str()[first.len()..];
    // Tags use the shortest code that exists (RFC 5646 §2.2.1).
    let known = BIBLIOGRAPHIC.iter().find(|(code, _)| *code == first);
    let short = known.map(|(_, short)| *short);
    let short = short.or_else(|| Language::from_639_3(first)?.to_639_1());
    Some(format!("{}{rest}", short.unwrap_or(first)))
}

/// BCP 47 tag of a declared language. Returns `None` if no such language exists.
pub fn known_tag(declared: &str) -> Option<String> {
    tag(declared).filter(|tag| language(tag).is_some())
}

/// Name of a language for menus: `Deutsch`, `Português (BR)`. It is written in the language itself, since the NAME of
/// an HLS rendition is in the language of its LANGUAGE attribute (RFC 8216 §4.3.4.1).
pub fn name(tag: &str) -> Option<String> {
    let language = language(tag)?;
    let name = language.to_autonym().unwrap_or(language.to_name());
    let mut characters = name.chars();
    let first = characters.next()?;
    // Many languages write their names in lower case, which looks odd as a menu entry.
    let name: String = first.to_uppercase().chain(characters).collect();
    Some(match tag.split_once('-') {
        Some((_, rest)) => format!("{name} ({rest})"),
        None => name,
    })
}

/// Three-letter ISO 639-2 code of a declared language, as MP4 boxes store it (ISO/IEC 14496-12 §8.4.2). `und` if the
/// language is unknown.
pub fn three_letters(declared: Option<&str>) -> String {
    let tag = declared.and_then(tag);
    let language = tag.as_deref().and_then(language);
    language
        .map_or("und", |language| language.to_639_3())
        .to_owned()
}

/// Label of a rendition for a menu: the track's title from the plan, or the name of the language. Plans repeat the
/// language code as the label of tracks without a title.
pub fn label(label: &str, declared: Option<&str>) -> String {
    let named = declared.filter(|declared| *declared == label);
    let named = named.and_then(|declared| name(&tag(declared)?));
    named.unwrap_or_else(|| label.to_owned())
}

fn language(tag: &str) -> Option<Language> {
    let first = tag.split('-').next()?;
    match first.len() {
        2 => Language::from_639_1(first),
        _ => Language::from_639_3(first),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_to_say_a_language_is_one_tag() {
        for (declared, same) in [
            ("de", "de"),
            ("deu", "de"),
            ("ger", "de"),
            ("DEU", "de"),
            ("eng", "en"),
            ("en_us", "en-US"),
            ("ENG-gb", "en-GB"),
            ("chi", "zh"),
            ("zho-hant-tw", "zh-Hant-TW"),
            ("es-419", "es-419"),
            ("fil", "fil"),
            ("x-klingon", "x-klingon"),
        ] {
            assert_eq!(tag(declared).as_deref(), Some(same));
        }
        for (code, short) in BIBLIOGRAPHIC {
            assert_eq!(tag(code).as_deref(), Some(short));
            assert!(Language::from_639_3(code).is_none(), "{code}");
            assert!(name(short).is_some());
        }
    }

    #[test]
    fn mp4_boxes_use_the_terminological_code() {
        for (declared, code) in [
            ("fr", "fra"),
            ("ger", "deu"),
            ("zh-Hans", "zho"),
            ("x-klingon", "und"),
        ] {
            assert_eq!(three_letters(Some(declared)), code);
        }
        assert_eq!(three_letters(None), "und");
    }

    #[test]
    fn malformed_tags_are_refused() {
        let endless = "a-".repeat(40);
        for bad in [
            "",
            "-",
            "de-",
            "12",
            "de\n",
            "d\u{e9}",
            "a b",
            "abcdefghi",
            "en--us",
            "\"",
            &endless,
        ] {
            assert_eq!(tag(bad), None, "{bad:?}");
        }
        assert_eq!(known_tag("english"), None);
        assert_eq!(known_tag("ger").as_deref(), Some("de"));
    }

    #[test]
    fn languages_have_their_own_names() {
        for (tag, own) in [
            ("en", "English"),
            ("de", "Deutsch"),
            ("fr", "Fran\u{e7}ais"),
            ("pt-BR", "Portugu\u{ea}s (BR)"),
        ] {
            assert_eq!(name(tag).as_deref(), Some(own));
        }
        assert_eq!(name("x-klingon"), None);
    }

    #[test]
    fn a_label_that_is_a_language_code_becomes_a_name() {
        assert_eq!(label("eng", Some("eng")), "English");
        assert_eq!(label("Commentary", Some("eng")), "Commentary");
        assert_eq!(label("Audio 1", None), "Audio 1");
        assert_eq!(label("??", Some("??")), "??");
    }
}

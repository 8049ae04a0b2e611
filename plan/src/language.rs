//! Language tags (BCP 47) and names, for people and players. What sources declare stays in plans,
//! whose renditions are named by it; it is read here.

use isolang::Language;
use oxilangtag::LanguageTag;

/// Codes of ISO 639-2 that are not those of ISO 639-3: the bibliographic ones, which Matroska has
/// by its specification, and the codes of ISO 639-1 for them.
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
/// RFC 5646 §4.4.1 asks for room for so many characters.
const LONGEST: usize = 35;

/// The tag of what a source or a person says: `deu` and `ger` are `de`, `pt_br` is `pt-BR`. Nothing
/// where it has not the form of one: a strict parser refuses a whole MPD for such a `lang`
/// (`xs:language`), and the source may say anything.
pub fn tag(declared: &str) -> Option<String> {
    if declared.len() > LONGEST {
        return None;
    }
    let declared = declared.replace('_', "-");
    let parsed = LanguageTag::parse_and_normalize(&declared).ok()?;
    let first = parsed.primary_language();
    let rest = &parsed.as_str()[first.len()..];
    // Tags have the shortest code that there is (RFC 5646 §2.2.1).
    let known = BIBLIOGRAPHIC.iter().find(|(code, _)| *code == first);
    let short = known.map(|(_, short)| *short);
    let short = short.or_else(|| Language::from_639_3(first)?.to_639_1());
    Some(format!("{}{rest}", short.unwrap_or(first)))
}

/// The tag of a language that there is.
pub fn known_tag(declared: &str) -> Option<String> {
    tag(declared).filter(|tag| language(tag).is_some())
}

/// A language by its own name, as menus show it: `Deutsch`, `Português (BR)`. In its own, since
/// HLS wants a NAME in the language that it is beside (RFC 8216 §4.3.4.1).
pub fn name(tag: &str) -> Option<String> {
    let language = language(tag)?;
    let name = language.to_autonym().unwrap_or(language.to_name());
    let mut characters = name.chars();
    let first = characters.next()?;
    // Many languages write their names small, which looks odd as a whole line of a menu.
    let name: String = first.to_uppercase().chain(characters).collect();
    Some(match tag.split_once('-') {
        Some((_, rest)) => format!("{name} ({rest})"),
        None => name,
    })
}

/// The three letters of ISO 639-2 for what a source declares, as boxes of MP4 have them (ISO/IEC 14496-12 §8.4.2);
/// `und` where there are none.
pub fn three_letters(declared: Option<&str>) -> String {
    let tag = declared.and_then(tag);
    let language = tag.as_deref().and_then(language);
    language
        .map_or("und", |language| language.to_639_3())
        .to_owned()
}

/// What a menu shows for a rendition whose plan has this label: its title; where the source has
/// none, plans repeat the language, which has a name.
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
    fn boxes_have_the_terminological_code() {
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
    fn only_what_looks_like_a_tag_is_one() {
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
    fn a_label_that_is_only_a_code_becomes_a_name() {
        assert_eq!(label("eng", Some("eng")), "English");
        assert_eq!(label("Commentary", Some("eng")), "Commentary");
        assert_eq!(label("Audio 1", None), "Audio 1");
        assert_eq!(label("??", Some("??")), "??");
    }
}

//! Language tags, as far as players read them.

/// The tag where it has the form of one (RFC 5646 §2.1: parts of at most eight letters or
/// digits). A strict parser refuses a whole MPD for a `lang` that has not (`xs:language`), and
/// the source may say anything.
pub(crate) fn tag(declared: Option<&str>) -> Option<&str> {
    declared.filter(|text| {
        let mut parts = text.split('-');
        let is_part = |part: &str, is_letter: fn(&u8) -> bool| {
            (1..=8).contains(&part.len()) && part.as_bytes().iter().all(is_letter)
        };
        parts
            .next()
            .is_some_and(|first| is_part(first, u8::is_ascii_alphabetic))
            && parts.all(|part| is_part(part, u8::is_ascii_alphanumeric))
    })
}

#[cfg(test)]
mod tests {
    use super::tag;

    #[test]
    fn only_what_looks_like_a_tag_is_one() {
        for good in ["de", "eng", "zh-Hant-TW", "es-419", "x-klingon"] {
            assert_eq!(tag(Some(good)), Some(good));
        }
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
        ] {
            assert_eq!(tag(Some(bad)), None, "{bad:?}");
        }
    }
}

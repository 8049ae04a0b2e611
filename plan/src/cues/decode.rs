//! Conversion of a text file's bytes to text, where nobody has declared the encoding.

use std::borrow::Cow;

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::Encoding;

/// Decodes text as UTF-8, as the byte order mark says, or else in the likeliest of the encodings that the web knows
/// (Windows-1252, Windows-1251, Big5 ...). Returns `None` if the bytes are not text.
pub(super) fn decode(bytes: &[u8]) -> Option<Cow<'_, str>> {
    let text = match Encoding::for_bom(bytes) {
        Some((encoding, mark)) => encoding.decode_without_bom_handling(&bytes[mark..]).0,
        None => match std::str::from_utf8(bytes) {
            Ok(text) => Cow::Borrowed(text),
            Err(_) => Cow::Owned(guess(bytes)?),
        },
    };
    // Text contains no null characters, and nearly every other kind of file does.
    (!text.contains('\0')).then_some(text)
}

fn guess(bytes: &[u8]) -> Option<String> {
    if bytes.contains(&0) {
        return None;
    }
    let lossy = String::from_utf8_lossy(bytes);
    let of = |is: fn(&char) -> bool| lossy.chars().filter(is).count();
    let (damaged, whole) = (of(|c| *c == '\u{fffd}'), of(|c| !c.is_ascii()));
    // The text is UTF-8 with a few wrong bytes: text in another encoding does not look like UTF-8 by chance.
    if damaged * 8 < whole {
        return Some(lossy.into_owned());
    }
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    detector.feed(bytes, true);
    let encoding = detector.guess(None, Utf8Detection::Deny);
    Some(encoding.decode_without_bom_handling(bytes).0.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_usual_encoding_gives_the_same_text() {
        let german = "Das ist ja sch\u{f6}n \u{2013} w\u{fc}rden Sie \u{fc}ber Stra\u{df}en gehen?";
        let russian = "\u{41f}\u{440}\u{438}\u{432}\u{435}\u{442}, \u{43a}\u{430}\u{43a} \
            \u{434}\u{435}\u{43b}\u{430}? \u{425}\u{43e}\u{440}\u{43e}\u{448}\u{43e}.";
        let utf16 = |text: &str, mark: [u8; 2], order: fn(u16) -> [u8; 2]| {
            let units = text.encode_utf16().flat_map(order);
            mark.into_iter().chain(units).collect::<Vec<u8>>()
        };
        for text in [german, russian] {
            let marked = ["\u{feff}", text].concat();
            for bytes in [
                text.as_bytes().to_vec(),
                marked.into_bytes(),
                utf16(text, [0xff, 0xfe], u16::to_le_bytes),
                utf16(text, [0xfe, 0xff], u16::to_be_bytes),
            ] {
                assert_eq!(decode(&bytes).as_deref(), Some(text));
            }
        }
        let (western, _, _) = encoding_rs::WINDOWS_1252.encode(german);
        assert_eq!(decode(&western).as_deref(), Some(german));
        let (cyrillic, _, _) = encoding_rs::WINDOWS_1251.encode(russian);
        assert_eq!(decode(&cyrillic).as_deref(), Some(russian));
    }

    #[test]
    fn a_wrong_byte_changes_no_other_character() {
        let many = "\u{e4}\u{f6}\u{fc}".repeat(9);
        let bytes = [many.as_bytes(), b"\xff", "\u{df}".as_bytes()];
        let text = decode(&bytes.concat()).unwrap().into_owned();
        assert!(text.ends_with("\u{fc}\u{fffd}\u{df}"), "{text}");
    }

    #[test]
    fn binary_files_are_not_text() {
        for bytes in [
            &b"\0\0\0\x20ftypisom"[..],
            b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR",
            b"a\0b",
        ] {
            assert_eq!(decode(bytes), None);
        }
    }
}

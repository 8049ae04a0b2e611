//! Text of a track whose container delivers it in packets.

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::Encoding;

use crate::cues::file::{Format, place};
use crate::cues::markup::Markup;
use crate::cues::tags;

/// Decodes the packets of a text track. Returns the texts, and the assumed encoding unless it is UTF-8, as nearly all
/// tracks are. The encoding is guessed from all packets together, since one line may be too short to tell.
pub fn decode_pieces(pieces: &[&[u8]]) -> (Vec<String>, Option<&'static str>) {
    let own = |piece: &[u8]| std::str::from_utf8(piece).ok().map(str::to_owned);
    let whole: Option<Vec<String>> = pieces.iter().map(|piece| own(piece)).collect();
    if let Some(whole) = whole {
        return (whole, None);
    }
    let all = pieces.join(&b'\n');
    let lossy = String::from_utf8_lossy(&all);
    let of = |is: fn(&char) -> bool| lossy.chars().filter(is).count();
    // The text is UTF-8 with a few wrong bytes.
    if of(|c| *c == '\u{fffd}') * 8 < of(|c| !c.is_ascii()) {
        let lossy = pieces
            .iter()
            .map(|piece| String::from_utf8_lossy(piece).into_owned());
        return (lossy.collect(), Some("UTF-8"));
    }
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    detector.feed(&all, true);
    let encoding = detector.guess(None, Utf8Detection::Deny);
    let decode = |piece: &&[u8]| {
        let marked = Encoding::for_bom(piece).map(|(encoding, mark)| (encoding, &piece[mark..]));
        let (encoding, text) = marked.unwrap_or((encoding, piece));
        own(text).unwrap_or_else(|| encoding.decode_without_bom_handling(text).0.into_owned())
    };
    (pieces.iter().map(decode).collect(), Some(encoding.name()))
}

/// Position and text of a WebVTT cue whose payload and settings are separate, as containers store them. `None` if the
/// cue has no words.
pub fn webvtt_cue(payload: &str, settings: &str) -> Option<(u8, String)> {
    let text = payload.replace("\r\n", "\n").replace('\r', "\n");
    let lines: Vec<&str> = text.split('\n').collect();
    let mut markup = Markup::default();
    let stated = tags::write(Format::WebVtt, &lines, &mut markup);
    let text = markup.finish();
    (!text.is_empty()).then(|| (stated.unwrap_or_else(|| place(settings)), text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_encoding_is_detected_for_all_lines() {
        let lines: [&[u8]; 3] = [b"Plain", b"Caf\xe9 d\xe9j\xe0 vu", b"\xdcber stra\xdfe"];
        let (text, encoding) = decode_pieces(&lines);
        assert_eq!(
            text,
            [
                "Plain",
                "Caf\u{e9} d\u{e9}j\u{e0} vu",
                "\u{dc}ber stra\u{df}e"
            ]
        );
        assert_eq!(encoding, Some("windows-1252"));
        assert_eq!(
            decode_pieces(&["\u{e9}".as_bytes()]),
            (vec!["\u{e9}".to_owned()], None)
        );
    }

    #[test]
    fn a_cue_keeps_its_position_and_tags() {
        let cue = webvtt_cue(
            "<c.x>One</c> <i>two</i>\nthree &amp; four",
            "line:0 align:start",
        );
        assert_eq!(
            cue,
            Some((7, "One <i>two</i>\nthree &amp; four".to_owned()))
        );
        assert_eq!(webvtt_cue(" \n", ""), None);
    }
}

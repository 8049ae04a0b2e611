//! Text tracks become cue lists, whatever form they are stored in.

use std::path::{Path, PathBuf};

use plan::CueList;
use protocol::{Made, Order};

use crate::support::planned;
use crate::support::sources::{made, picture};

const SRT: &str = "1\n00:00:00,500 --> 00:00:02,000\nGood <i>evening</i> & welcome\n\n\
                   2\n00:00:02,500 --> 00:00:03,250\nTwo\nlines\n\n\
                   3\n00:00:03,900 --> 00:00:09,000\nLonger than the picture\n";

/// Makes a source with these two cues in a track of a codec.
fn with_text(folder: &Path, name: &str, words: (&str, &str), codec: &str) -> PathBuf {
    let text = folder.join(words.0);
    std::fs::write(&text, words.1).unwrap();
    let inputs = format!("{} -i {}", picture("25", "5"), text.display());
    let inputs = inputs.replace("640x360", "160x90");
    made(
        folder,
        name,
        &format!("{inputs} -map 0:v -map 1:s -c:v libx264 -preset ultrafast -c:s {codec}"),
    )
}

/// Cues of a source: start and end in milliseconds, place, and text.
fn cues(source: &Path) -> Vec<(i64, i64, u8, String)> {
    let (mut engine, plan) = planned(source, 1);
    let made = engine.order(Order::Texts).unwrap().stills;
    assert_eq!(made.len(), plan.info.text.len());
    assert_eq!(made[0].0, Made::Cues { track: 0 });
    let list: CueList = serde_json::from_slice(&made[0].1).unwrap();
    let cues = list.cues.into_iter();
    cues.map(|cue| (cue.start_us / 1000, cue.end_us / 1000, cue.place, cue.text))
        .collect()
}

#[test]
fn words_come_out_with_their_times_and_marks() {
    let folder = tempfile::tempdir().unwrap();
    let expected = [
        (500, 2000, 2, "Good <i>evening</i> &amp; welcome".to_owned()),
        (2500, 3250, 2, "Two\nlines".to_owned()),
        (3900, 5000, 2, "Longer than the picture".to_owned()),
    ];
    for (name, codec) in [
        ("srt.mkv", "srt"),
        ("ass.mkv", "ass"),
        ("text.mp4", "mov_text"),
        ("vtt.mkv", "webvtt"),
    ] {
        let source = with_text(folder.path(), name, ("words.srt", SRT), codec);
        assert_eq!(cues(&source), expected, "{name}");
    }
}

#[test]
fn signs_stand_where_they_stood() {
    const ASS: &str = "[Script Info]\nScriptType: v4.00+\n\n[V4+ Styles]\n\
        Format: Name, Fontname, Fontsize\nStyle: Default,Arial,20\n\n[Events]\n\
        Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text\n\
        Dialogue: 0,0:00:01.00,0:00:02.00,Default,,0,0,0,,{\\an8\\b1}Above{\\b0}, and \\Nbelow it\n\
        Dialogue: 0,0:00:01.00,0:00:02.00,Default,,0,0,0,,{\\p1}m 0 0 l 9 9{\\p0}\n";
    let folder = tempfile::tempdir().unwrap();
    let source = with_text(folder.path(), "signs.mkv", ("signs.ass", ASS), "copy");
    let expected = (1000, 2000, 8, "<b>Above</b>, and \nbelow it".to_owned());
    assert_eq!(cues(&source), [expected]);
}

/// Pair of CEA-608 in user data of a picture, as H.264 carries it.
fn caption_message(pair: [u8; 2]) -> Vec<u8> {
    // A byte has seven bits and an odd parity.
    let coded = pair.map(|byte| byte | u8::from(byte.count_ones() % 2 == 0) << 7);
    let user_data = [
        &b"\xb5\x00\x31GA94\x03"[..],
        &[0x41, 0xff, 0xfc],
        &coded,
        &[0xff],
    ]
    .concat();
    [
        &[0, 0, 0, 1, 6, 4, user_data.len() as u8][..],
        &user_data,
        &[0x80],
    ]
    .concat()
}

/// Puts a pair before each picture of an H.264 stream.
fn with_captions(stream: &[u8], pairs: impl Fn(usize) -> [u8; 2]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut picture = 0;
    for (at, byte) in stream.iter().enumerate() {
        let is_slice = stream[at..].starts_with(&[0, 0, 1])
            && matches!(stream.get(at + 3), Some(h) if [1, 5].contains(&(h & 0x1f)));
        if is_slice {
            out.extend(caption_message(pairs(picture)));
            picture += 1;
        }
        out.push(*byte);
    }
    out
}

#[test]
fn captions_inside_pictures_come_out() {
    const RESUME: [u8; 2] = [0x14, 0x20];
    const SHOW: [u8; 2] = [0x14, 0x2f];
    const CLEAR: [u8; 2] = [0x14, 0x2c];
    const ROW_15: [u8; 2] = [0x14, 0x70];
    const ROW_1: [u8; 2] = [0x11, 0x50];
    let folder = tempfile::tempdir().unwrap();
    let coded = "-c:v libx264 -preset ultrafast -x264-params slices=1:bframes=0 -f h264";
    let picture = picture("25", "5").replace("640x360", "160x90");
    let stream = made(folder.path(), "plain.h264", &format!("{picture} {coded}"));
    let stream = std::fs::read(stream).unwrap();
    let spoken = with_captions(&stream, |picture| match picture {
        5 | 55 => RESUME,
        6 => ROW_15,
        7 => *b"Hi",
        8 => *b", ",
        9 => *b"yo",
        10 => *b"u.",
        25 | 75 => SHOW,
        50 => CLEAR,
        56 => ROW_1,
        57 => *b"Up",
        _ => [0, 0],
    });
    let silent = with_captions(&stream, |_| [0, 0]);
    for (name, bytes, expected) in [
        (
            "spoken",
            spoken,
            vec![(1000, 2000, 2, "Hi, you."), (3000, 4000, 8, "Up")],
        ),
        ("silent", silent, vec![]),
    ] {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        for container in ["mp4", "ts"] {
            let input = format!("-r 25 -f h264 -i {}", path.display());
            let source = format!("{name}.{container}");
            let source = made(folder.path(), &source, &format!("{input} -c copy"));
            let cues = cues(&source);
            let cues: Vec<_> = cues
                .iter()
                .map(|(a, b, c, d)| (*a, *b, *c, d.as_str()))
                .collect();
            assert_eq!(cues, expected, "{name}.{container}");
        }
    }
}

//! Posters, sheets, thumbnails.

use protocol::{Made, Order, Still};

use crate::support::planned;
use crate::support::sources::{made, picture};

#[test]
fn stills_are_pictures_of_the_right_kind() {
    let folder = tempfile::tempdir().unwrap();
    let coded = format!(
        "{} -c:v libx264 -preset ultrafast -g 30",
        picture("30", "4")
    );
    let source = made(folder.path(), "s.mp4", &coded);
    let (mut engine, _) = planned(&source, 2);
    let poster = engine.order(Order::Still(Still::Poster)).unwrap().stills;
    assert_eq!(poster.len(), 2);
    assert!(poster[0].1.starts_with(&[0xff, 0xd8, 0xff]), "a JPEG");
    assert!(
        poster[1].1.starts_with(b"RIFF") && &poster[1].1[8..12] == b"WEBP",
        "a WebP"
    );
    let sheet = engine.order(Order::Still(Still::Sheet(0))).unwrap().stills;
    assert!(matches!(sheet[..], [(Made::Sheet(0), _)]));
    let thumbnail = Still::Thumbnail {
        second: 2,
        width: 320,
    };
    let thumbnail = engine.order(Order::Still(thumbnail)).unwrap().stills;
    assert!(thumbnail[0].1.len() > 1000);
}

/// The sizes of a JPEG (ITU-T T.81 §B.2.2, baseline).
fn size(jpeg: &[u8]) -> (u16, u16) {
    let at = jpeg
        .windows(2)
        .position(|marker| marker == [0xff, 0xc0])
        .unwrap();
    let side = |at: usize| u16::from_be_bytes([jpeg[at], jpeg[at + 1]]);
    (side(at + 7), side(at + 5))
}

#[test]
fn a_cover_is_the_poster_of_sound_alone() {
    let folder = tempfile::tempdir().unwrap();
    let inputs = "-f lavfi -i sine=440:d=3 -f lavfi -i testsrc2=s=601x401:d=1:r=1";
    let with = "-map 0 -map 1 -frames:v 1 -disposition:v:0 attached_pic";
    for (name, codecs) in [
        ("a.m4a", "-c:a aac -c:v mjpeg -f mp4"),
        ("b.mp3", "-c:a libmp3lame -c:v png"),
        ("c.flac", "-c:a flac -c:v png -pix_fmt rgba"),
        ("d.m4a", "-c:a aac -c:v png -pix_fmt pal8 -f mp4"),
    ] {
        let source = made(folder.path(), name, &format!("{inputs} {with} {codecs}"));
        let (mut engine, plan) = planned(&source, 1);
        assert!(plan.video.is_empty() && plan.has_poster(), "{name}");
        let poster = engine.order(Order::Still(Still::Poster)).unwrap().stills;
        assert_eq!(poster.len(), 2, "{name}");
        assert_eq!(size(&poster[0].1), (600, 400), "{name}");
    }
    let source = made(folder.path(), "e.m4a", "-f lavfi -i sine=440:d=3 -c:a aac");
    let (_, plan) = planned(&source, 1);
    assert!(!plan.has_poster());
}

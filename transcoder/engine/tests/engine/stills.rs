//! Posters, storyboard sheets and thumbnails.

use protocol::{Made, Order, Still};

use crate::support::sources::{made, picture};
use crate::support::{Engine, planned};

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

/// Sizes in the header of a JPEG (ITU-T T.81 §B.2.2, baseline).
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

/// A thumbnail of a stored segment looks like one of the source.
#[test]
fn a_thumbnail_of_a_stored_segment_shows_the_same_picture() {
    let folder = tempfile::tempdir().unwrap();
    // The brightness of a picture tells its second. There are 29.97 pictures a second, so that no second begins with
    // a picture.
    let inputs = "-f lavfi -i color=c=black:s=1280x720:r=30000/1001:d=9,\
                  geq=lum=16+20*floor(T+0.001):cb=128+8*floor(T+0.001):cr=100";
    let coded = format!("{inputs} -c:v libx264 -preset ultrafast -g 250");
    let source = made(folder.path(), "s.mp4", &coded);
    let (mut engine, plan) = planned(&source, 1);
    for (rung, second, width) in [(480, 0, 320), (480, 3, 320), (720, 5, 640), (480, 8, 160)] {
        let rendition = plan.video.iter().find(|v| v.rung == rung).unwrap().id;
        let timeline = &plan.timeline;
        let segment = timeline.segment_of(timeline.tick_at_second(second));
        let init = engine.inits([rendition]).unwrap().inits[&rendition].clone();
        let stored = engine.segments(&[rendition], segment, 1).segments;
        let whole = folder.path().join("stored.mp4");
        std::fs::write(&whole, [&init[..], &stored[&(rendition, segment)]].concat()).unwrap();
        let thumbnail = Still::Thumbnail { second, width };
        let of_source = engine.order(Order::Still(thumbnail)).unwrap().stills;
        let mut over_stored = Engine::start(&whole, 1);
        over_stored.plan(&plan);
        let order = Order::Still(Still::StoredThumbnail {
            rendition,
            segment,
            second,
            width,
        });
        let of_stored = over_stored.order(order).unwrap().stills;
        assert_eq!(of_stored[0].0, Made::Thumbnail { second, width });
        assert_eq!(size(&of_stored[0].1), size(&of_source[0].1));
        let (one, other) = (
            means(folder.path(), &of_source[0].1),
            means(folder.path(), &of_stored[0].1),
        );
        for (one, other) in one.iter().zip(&other) {
            assert!((one - other).abs() < 2.0, "{one} and {other} at {second}");
        }
        // The picture is that second's: each second is 23 brighter than the one before.
        let luma = 20.0 * f64::from(second) * 255.0 / 219.0;
        assert!((other[0] - luma).abs() < 11.0, "{} at {second}", other[0]);
    }
}

/// Mean of each plane of a JPEG.
fn means(folder: &std::path::Path, jpeg: &[u8]) -> [f64; 3] {
    let (width, height) = size(jpeg);
    let file = folder.join("still.jpg");
    std::fs::write(&file, jpeg).unwrap();
    let mut ffmpeg = std::process::Command::new("ffmpeg");
    ffmpeg.args(["-v", "error", "-nostdin", "-i"]).arg(&file);
    ffmpeg.args(["-f", "rawvideo", "-pix_fmt", "yuvj444p", "-"]);
    let planes = ffmpeg.output().unwrap().stdout;
    let area = usize::from(width) * usize::from(height);
    assert_eq!(planes.len(), 3 * area);
    let mean = |plane: &[u8]| plane.iter().map(|&v| f64::from(v)).sum::<f64>() / area as f64;
    [0, 1, 2].map(|plane| mean(&planes[plane * area..][..area]))
}

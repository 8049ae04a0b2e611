//! Interlaced sources: each field becomes a picture, in the order in which the fields were recorded.

use std::path::Path;

use crate::support::planned;
use crate::support::sources::{ffmpeg, made};

const SIZE: (usize, usize) = (320, 240);
/// Pixels by which the bar moves from field to field.
const STEP: f64 = 4.0;

/// Middle of the bar in each picture of the top rung, in pixels. The source's bar moves to the right at fifty fields
/// a second.
fn bar(folder: &Path, name: &str, coded: &str) -> Vec<f64> {
    let (width, height) = SIZE;
    let moving = format!(
        "-f lavfi -i color=black:s={width}x{height}:r=50:d=1.2 -f lavfi -i color=white:s=24x{height}:r=50:d=1.2"
    );
    let source = made(folder, name, &format!("{moving} {coded}"));
    let (mut engine, plan) = planned(&source, 1);
    let top = &plan.video[0];
    assert_eq!((top.size().width, top.size().height), (320, 240), "{name}");
    assert_eq!(plan.timeline.rate.as_f64(), 50.0, "{name}");
    let mut presentation = engine.inits([top.id]).unwrap().inits[&top.id].to_vec();
    let made = engine.segments(&[top.id], 0, plan.segments()).segments;
    made.values()
        .for_each(|bytes| presentation.extend_from_slice(bytes));
    let ours = source.with_extension("ours.mp4");
    std::fs::write(&ours, presentation).unwrap();
    let path = ours.to_str().unwrap();
    let pixels = ffmpeg(&["-i", path, "-pix_fmt", "gray", "-f", "rawvideo", "-"]);
    pixels.chunks_exact(width * height).map(middle).collect()
}

/// Middle of the bright part of a picture, in pixels from the left.
fn middle(picture: &[u8]) -> f64 {
    let bright = picture
        .iter()
        .enumerate()
        .filter(|(_, level)| **level > 128);
    let columns: Vec<usize> = bright.map(|(at, _)| at % SIZE.0).collect();
    columns.iter().sum::<usize>() as f64 / columns.len() as f64
}

#[test]
fn fields_are_shown_in_the_order_in_which_they_were_taken() {
    let folder = tempfile::tempdir().unwrap();
    let filter = |first: &str| {
        format!(
            "-filter_complex overlay=x=20+{STEP}*n,tinterlace=interleave_{first},setfield={}",
            if first == "top" { "tff" } else { "bff" }
        )
    };
    let h264 = "-c:v libx264 -preset veryfast -crf 16 -g 12 -flags +ilme+ildct -x264-params";
    let mpeg2 = "-c:v mpeg2video -q:v 2 -g 12 -bf 2 -flags +ilme+ildct -top";
    let sources = [
        ("top.mp4", format!("{} {h264} tff=1", filter("top"))),
        ("bottom.mp4", format!("{} {h264} bff=1", filter("bottom"))),
        ("top.ts", format!("{} {mpeg2} 1", filter("top"))),
        ("bottom.ts", format!("{} {mpeg2} 0", filter("bottom"))),
    ];
    for (name, coded) in sources {
        let places = bar(folder.path(), name, &coded);
        // The first and the last field lack a neighbour.
        let inner = &places[2..places.len() - 2];
        assert!(inner.len() >= 50, "{name}: {} pictures", places.len());
        for (at, pair) in inner.windows(2).enumerate() {
            let moved = pair[1] - pair[0];
            assert!(
                (moved - STEP).abs() < 2.5,
                "{name}, {at}: {moved} in {places:.1?}"
            );
        }
    }
}

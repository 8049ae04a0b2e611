//! Sources whose pictures change their size inside, or are not shown in their stored size.

use std::path::{Path, PathBuf};

use plan::{Plan, RenditionId};

use crate::support::Engine;
use crate::support::planned;
use crate::support::sources::{ffmpeg, made};

/// Makes eight seconds of red, and then six in another size, with a left half of green and a right half of blue.
fn changing(folder: &Path, size: &str) -> PathBuf {
    let (width, height) = size.split_once('x').unwrap();
    let half = width.parse::<u32>().unwrap() / 2;
    let coded = "-c:v libx264 -preset ultrafast -g 25 -pix_fmt yuv420p -bf 0";
    let red = format!("-f lavfi -i color=red:s=640x360:r=25:d=8 {coded}");
    let halves = format!(
        "-f lavfi -i color=green:s={half}x{height}:r=25:d=6 -f lavfi -i color=blue:s={half}x{height}:r=25:d=6 \
         -filter_complex hstack {coded} -output_ts_offset 8"
    );
    let parts = [
        made(folder, "red.ts", &red),
        made(folder, "halves.ts", &halves),
    ];
    let bytes: Vec<u8> = parts
        .iter()
        .flat_map(|part| std::fs::read(part).unwrap())
        .collect();
    let path = folder.join(format!("{size}.ts"));
    std::fs::write(&path, bytes).unwrap();
    path
}

/// Colours at these places of each second's middle picture, in the top rung.
fn shown(source: &Path, places: &[(f64, f64)]) -> Vec<Vec<[u8; 3]>> {
    let (mut engine, plan) = planned(source, 1);
    let top = plan.video[0].id;
    let mut presentation = engine.inits([top]).unwrap().inits[&top].to_vec();
    for bytes in engine
        .segments(&[top], 0, plan.segments())
        .segments
        .values()
    {
        presentation.extend_from_slice(bytes);
    }
    let ours = source.with_extension("ours.mp4");
    std::fs::write(&ours, presentation).unwrap();
    let path = ours.to_str().unwrap();
    let pixels = ffmpeg(&["-i", path, "-pix_fmt", "rgb24", "-f", "rawvideo", "-"]);
    let size = plan.video[0].size();
    let (width, height) = (size.width as usize, size.height as usize);
    let pictures: Vec<&[u8]> = pixels.chunks_exact(width * height * 3).collect();
    let middles = pictures.iter().skip(12).step_by(25);
    let pixel = |picture: &[u8], (x, y): (f64, f64)| {
        let (x, y) = ((x * width as f64) as usize, (y * height as f64) as usize);
        picture[(y * width + x) * 3..][..3].try_into().unwrap()
    };
    middles
        .map(|picture| places.iter().map(|&place| pixel(picture, place)).collect())
        .collect()
}

fn name([red, green, blue]: [u8; 3]) -> &'static str {
    match (red > 100, green > 80, blue > 100) {
        (true, false, false) => "red",
        (false, true, false) => "green",
        (false, false, true) => "blue",
        (false, false, false) => "black",
        _ => "something else",
    }
}

fn names(source: &Path, places: &[(f64, f64)]) -> Vec<Vec<&'static str>> {
    let named = |colors: Vec<[u8; 3]>| colors.into_iter().map(name).collect();
    shown(source, places).into_iter().map(named).collect()
}

#[test]
fn a_smaller_picture_of_the_same_shape_is_shown_as_large() {
    let folder = tempfile::tempdir().unwrap();
    let source = changing(folder.path(), "320x180");
    let seconds = names(
        &source,
        &[(0.02, 0.5), (0.45, 0.02), (0.55, 0.98), (0.98, 0.5)],
    );
    assert_eq!(seconds.len(), 14);
    for (second, places) in seconds.iter().enumerate() {
        match second {
            0..8 => assert_eq!(*places, ["red"; 4], "{second}"),
            _ => assert_eq!(*places, ["green", "green", "blue", "blue"], "{second}"),
        }
    }
}

#[test]
fn a_picture_of_another_shape_keeps_it() {
    let folder = tempfile::tempdir().unwrap();
    // 4:3 in 16:9: an eighth of the width is black on either side.
    let narrow = changing(folder.path(), "320x240");
    let row = [
        (0.1, 0.5),
        (0.15, 0.5),
        (0.45, 0.5),
        (0.55, 0.5),
        (0.85, 0.5),
        (0.9, 0.5),
    ];
    let expected = ["black", "green", "green", "blue", "blue", "black"];
    let seconds = names(&narrow, &row);
    assert_eq!(seconds[0], ["red"; 6]);
    assert!(
        seconds[8..].iter().all(|places| *places == expected),
        "{seconds:?}"
    );
    // 32:9 in 16:9: a quarter of the height is black above and below.
    let wide = changing(folder.path(), "640x180");
    let column = [(0.25, 0.22), (0.25, 0.28), (0.75, 0.72), (0.75, 0.78)];
    let seconds = names(&wide, &column);
    assert_eq!(seconds[0], ["red"; 4]);
    let expected = ["black", "green", "blue", "black"];
    assert!(
        seconds[8..].iter().all(|places| *places == expected),
        "{seconds:?}"
    );
}

/// Adds a clean aperture, `clap` (ISO/IEC 14496-12 §12.1.4), to a file's only picture track.
fn with_aperture(source: &Path, clean: [i32; 8]) -> PathBuf {
    let mut bytes = std::fs::read(source).unwrap();
    // The last match counts, since a brand may have the name of a box. The index comes last in the file, so no sample
    // moves.
    let at =
        |bytes: &[u8], kind: &[u8]| bytes.windows(4).rposition(|four| four == kind).unwrap() - 4;
    assert!(at(&bytes, b"mdat") < at(&bytes, b"moov"));
    let size = |bytes: &[u8], at: usize| u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap());
    let entry = at(&bytes, b"avc1");
    let end = entry + size(&bytes, entry) as usize;
    for kind in [
        b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stsd", b"avc1",
    ] {
        let at = at(&bytes, kind);
        let grown = size(&bytes, at) + 40;
        bytes[at..at + 4].copy_from_slice(&grown.to_be_bytes());
    }
    let numbers = clean.iter().flat_map(|number| number.to_be_bytes());
    let clap: Vec<u8> = [&40u32.to_be_bytes()[..], b"clap"]
        .concat()
        .into_iter()
        .chain(numbers)
        .collect();
    bytes.splice(end..end, clap);
    let path = source.with_extension("clap.mp4");
    std::fs::write(&path, bytes).unwrap();
    path
}

#[test]
fn what_is_outside_of_the_clean_aperture_is_not_shown() {
    let folder = tempfile::tempdir().unwrap();
    // The picture is red all around; eight of its lines lie above the clean aperture, and eight below.
    let picture = "-f lavfi -i color=red:s=720x576:r=25:d=4 \
                   -vf drawbox=x=8:y=8:w=352:h=560:color=green:t=fill,drawbox=x=360:y=8:w=352:h=560:color=blue:t=fill \
                   -c:v libx264 -qp 10 -preset ultrafast -g 25 -pix_fmt yuv420p";
    let source = made(folder.path(), "tape.mp4", picture);
    let clean = with_aperture(&source, [704, 1, 560, 1, 0, 1, 0, 1]);
    let (_, plan) = planned(&clean, 1);
    let size = plan.video[0].size();
    assert_eq!((size.width, size.height), (704, 560));
    let corners = [
        (0.003, 0.003),
        (0.003, 0.997),
        (0.997, 0.003),
        (0.997, 0.997),
    ];
    assert_eq!(names(&source, &corners)[1], ["red"; 4]);
    for seconds in names(&clean, &corners) {
        assert_eq!(seconds, ["green", "green", "blue", "blue"]);
    }
    let none = with_aperture(&source, [704, 1, 560, 1, 300, 1, 0, 1]);
    let (_, plan) = planned(&none, 1);
    assert_eq!(plan.info.video.unwrap().aperture, None);
}

/// An engine knows the source's own size wherever it begins.
#[test]
fn a_segment_made_alone_is_that_of_a_run() {
    let folder = tempfile::tempdir().unwrap();
    let source = changing(folder.path(), "320x240");
    let (mut engine, plan) = planned(&source, 1);
    let all: Vec<RenditionId> = plan.video.iter().map(|video| video.id).collect();
    let run = engine.segments(&all, 0, plan.segments()).segments;
    let alone = |plan: &Plan, segment| {
        let mut engine = Engine::start(&source, 1);
        engine.probe().unwrap();
        engine.plan(plan);
        engine.segments(&all, segment, 1).segments
    };
    for segment in 0..plan.segments() {
        for (key, bytes) in alone(&plan, segment) {
            assert!(run[&key] == bytes, "{key:?}");
        }
    }
}

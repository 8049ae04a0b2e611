//! Trick play: one picture of each segment, from the same decode as the rungs.

use std::path::Path;

use mp4_atom::{Decode, Moof, Styp};
use plan::Plan;

use crate::support::Engine;
use crate::support::planned;
use crate::support::sources::{ffmpeg, made, picture};

/// Start and length of a segment's one picture, in units of its track.
fn only_picture(segment: &[u8]) -> (i64, i64) {
    const KEY: u32 = 0x0200_0000;
    let mut rest = segment;
    Styp::decode(&mut rest).unwrap();
    let track = Moof::decode(&mut rest).unwrap().traf.remove(0);
    let mut samples = track.trun[0].samples.iter();
    let sample = samples.next().unwrap();
    assert!(samples.next().is_none(), "more than a picture");
    assert_eq!((sample.flags, sample.cts), (Some(KEY), Some(0)));
    let length = sample.duration.or(track.tfhd.default_sample_duration);
    let start = track.tfdt.unwrap().base_media_decode_time;
    (start as i64, i64::from(length.unwrap()))
}

/// Raw grey pictures of a file, one for each picture.
fn shown(path: &Path) -> Vec<Vec<u8>> {
    let path = path.to_str().unwrap();
    let scaled = "scale=16:16:flags=area";
    let all = ffmpeg(&[
        "-i",
        path,
        "-fps_mode",
        "passthrough",
        "-vf",
        scaled,
        "-f",
        "rawvideo",
        "-pix_fmt",
        "gray",
        "-",
    ]);
    all.chunks(256).map(<[u8]>::to_vec).collect()
}

#[test]
fn every_segment_is_one_key_frame_as_long_as_the_segment() {
    let folder = tempfile::tempdir().unwrap();
    // Every second has another brightness.
    let source = format!(
        "{} -vf eq=brightness=\'0.1*floor(t)-0.5\':eval=frame -c:v libx264 -preset ultrafast -bf 2 -g 77",
        picture("30000/1001", "13")
    );
    let source = made(folder.path(), "source.mp4", &source);
    let (mut engine, plan) = planned(&source, 1);
    let trick_play = plan.trick_play.as_ref().unwrap();
    let id = trick_play.id;
    let init = engine.inits([id]).unwrap().inits[&id].clone();
    let all: Vec<_> = plan.media_ids().collect();
    let made = engine.segments(&all, 0, plan.segments()).segments;
    let own: Vec<_> = (0..plan.segments())
        .map(|n| made[&(id, n)].clone())
        .collect();
    for (segment, bytes) in (0..).zip(&own) {
        let (start, end) = plan.timeline.segment_frames(segment);
        let each = i64::from(trick_play.frame_duration);
        assert_eq!(
            only_picture(bytes),
            (start.0 * each, (end - start).0 * each)
        );
    }
    let path = folder.path().join("trick.mp4");
    std::fs::write(&path, [vec![init], own].concat().concat()).unwrap();
    they_are_the_first_pictures(&plan, &shown(&path), &shown(&source));
}

/// The pictures look as the source does at the start of each segment.
fn they_are_the_first_pictures(plan: &Plan, pictures: &[Vec<u8>], source: &[Vec<u8>]) {
    assert_eq!(pictures.len(), plan.segments() as usize);
    for (segment, picture) in (0..).zip(pictures) {
        let (start, _) = plan.timeline.segment_frames(segment);
        let frame = &source[start.0 as usize];
        let off = picture.iter().zip(frame).map(|(a, b)| a.abs_diff(*b));
        let mean = off.map(u32::from).sum::<u32>() / 256;
        assert!(mean <= 4, "segment {segment} is off by {mean}");
    }
    assert!(pictures.windows(2).all(|pair| pair[0] != pair[1]));
}

/// A picture alone costs a seek, some decoding, and little more.
#[test]
fn a_picture_on_demand_costs_little() {
    let folder = tempfile::tempdir().unwrap();
    let coded = "-c:v libx264 -preset ultrafast -g 30";
    let source = format!("{} {coded}", picture("30", "60"));
    let source = made(folder.path(), "source.mp4", &source);
    let (mut engine, plan) = planned(&source, 1);
    let id = plan.trick_play.as_ref().unwrap().id;
    let time = |engine: &mut Engine, id, segment| {
        let began = std::time::Instant::now();
        engine.segments(&[id], segment, 1);
        began.elapsed()
    };
    time(&mut engine, id, 2);
    let picture = time(&mut engine, id, 8);
    let whole = time(&mut engine, plan.video.last().unwrap().id, 11);
    println!("{picture:?} for a picture, {whole:?} for a segment");
    assert!(picture * 3 < whole, "{picture:?} of {whole:?}");
}

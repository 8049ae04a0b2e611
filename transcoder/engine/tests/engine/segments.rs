//! A segment is a pure function of (source, rendition, index).

use std::collections::BTreeMap;
use std::path::Path;

use bytes::Bytes;
use plan::{Access, LazyCodec, Plan, RenditionId};

use crate::support::Engine;
use crate::support::edits;
use crate::support::edits::Edit::{Nothing, Play, Still};
use crate::support::planned;
use crate::support::sources::{made, picture, sound};

type Segments = BTreeMap<(RenditionId, u32), Bytes>;

/// Makes a presentation in several ways and compares every segment.
fn any_way_gives_the_same_bytes(source: &Path) {
    any_way_by_another_plan_gives_the_same_bytes(source, |plan| plan);
}

/// Makes a presentation in several ways by a changed plan, and compares every segment.
fn any_way_by_another_plan_gives_the_same_bytes(source: &Path, other: impl Fn(Plan) -> Plan) {
    let (mut engine, plan) = planned(source, 2);
    let plan = other(plan);
    engine.plan(&plan);
    let pictures = plan.every_picture().map(|v| v.id);
    let ids: Vec<RenditionId> = pictures.chain(plan.every_sound().map(|a| a.id)).collect();
    let whole = engine.segments(&ids, 0, plan.segments()).segments;
    assert_eq!(whole.len(), ids.len() * plan.segments() as usize);
    alone_in_reverse(source, &plan, &whole, 1);
    let mut single = Engine::start(source, 1);
    single.plan(&plan);
    let half = plan.segments() / 2;
    let second_half = single.segments(&ids, half, plan.segments() - half).segments;
    same(&second_half, &whole);
}

/// Makes each rendition alone, segment by segment, the last one first, in one warm session.
fn alone_in_reverse(source: &Path, plan: &Plan, whole: &Segments, threads: u32) {
    let mut engine = Engine::start(source, threads);
    engine.plan(plan);
    let ends = [plan.video.first(), plan.video.last()].map(|v| v.map(|v| v.rung));
    let top_and_lowest = plan
        .every_picture()
        .filter(|v| ends.contains(&Some(v.rung)));
    let ids: Vec<RenditionId> = top_and_lowest
        .map(|v| v.id)
        .chain(plan.every_sound().map(|a| a.id))
        .collect();
    for id in ids {
        for segment in (0..plan.segments()).rev() {
            same(&engine.segments(&[id], segment, 1).segments, whole);
        }
    }
}

fn same(some: &Segments, whole: &Segments) {
    for (key, bytes) in some {
        assert!(
            whole[key] == bytes,
            "{key:?} differs: {} and {}",
            whole[key].len(),
            bytes.len()
        );
    }
}

#[test]
fn a_segment_made_alone_equals_the_one_made_in_a_chunk() {
    let folder = tempfile::tempdir().unwrap();
    let b_frames = "-c:v libx264 -preset veryfast -bf 3 -g 60 -c:a aac -shortest";
    let inputs = format!("{} {}", picture("30", "7"), sound("48000", "7"));
    any_way_gives_the_same_bytes(&made(
        folder.path(),
        "b.mp4",
        &format!("{inputs} {b_frames}"),
    ));
}

/// The segment is made again from pictures that were kept where memory allows it, otherwise from pictures that are
/// decoded again.
#[test]
fn a_segment_that_was_over_its_cap_is_the_same_however_it_is_made_again() {
    let folder = tempfile::tempdir().unwrap();
    // The places that the probe encodes at the start are easy, so its expectation for the first segments is wrong.
    let noise =
        "-f lavfi -i color=gray:s=854x480:r=25:d=4,noise=c0s=100:c0f=t+u:enable=gt(t\\,0.45)";
    let coded = "-c:v libx264 -preset ultrafast -crf 20";
    let source = made(folder.path(), "noise.mp4", &format!("{noise} {coded}"));
    let (mut ample, plan) = planned(&source, 2);
    let ids: Vec<RenditionId> = plan.every_picture().map(|v| v.id).collect();
    let kept = ample.segments(&ids, 0, plan.segments());
    assert!(!kept.made_again.is_empty(), "nothing was over its cap");
    for ((id, segment), bytes) in &kept.segments {
        let rung = plan.video_rendition(*id).unwrap();
        let (start, end) = plan.timeline.segment_frames(*segment);
        let allowed = rung.allowed_bytes(end - start, plan.timeline.rate);
        assert!(
            bytes.len() as u64 <= allowed,
            "{id}, {segment}: {}",
            bytes.len()
        );
    }
    let mut tight = Engine::with_memory(&source, 256 << 20);
    tight.plan(&plan);
    let decoded_again = tight.segments(&ids, 0, plan.segments());
    assert_eq!(decoded_again.segments.len(), kept.segments.len());
    same(&decoded_again.segments, &kept.segments);
    assert!(ample.peak_memory() > tight.peak_memory());
}

#[test]
fn hevc_av1_and_opus_come_out_alike() {
    let folder = tempfile::tempdir().unwrap();
    let inputs = format!("{} {}", picture("25", "4.4"), sound("44100", "4.4"));
    let inputs = inputs.replace("640x360", "320x180");
    let coded = "-c:v libx264 -preset veryfast -bf 2 -c:a aac";
    let source = made(folder.path(), "o.mp4", &format!("{inputs} {coded}"));
    any_way_by_another_plan_gives_the_same_bytes(&source, |plan| {
        let plan = plan.with_codec(LazyCodec::Hevc).unwrap();
        plan.with_codec(LazyCodec::Av1).unwrap()
    });
}

#[test]
fn open_gops_are_entered_exactly() {
    let folder = tempfile::tempdir().unwrap();
    let open =
        "-c:v libx264 -preset veryfast -bf 3 -g 75 -x264-params open-gop=1:scenecut=0 -c:a aac";
    let inputs = format!("{} {}", picture("25", "9"), sound("44100", "9"));
    any_way_gives_the_same_bytes(&made(
        folder.path(),
        "open.mp4",
        &format!("{inputs} {open}"),
    ));
}

/// The source has 14 s; its second chunk ends at 12 s. Its pictures refer across its key frames.
#[test]
fn inexact_sources_are_entered_at_the_same_places() {
    let folder = tempfile::tempdir().unwrap();
    let mpeg2 = "-c:v mpeg2video -bf 2 -g 15 -b:v 600k -c:a mp2";
    let inputs = format!("{} {}", picture("25", "14"), sound("48000", "14"));
    let source = made(
        folder.path(),
        "l.ts",
        &format!("{inputs} {mpeg2}").replace("640x360", "320x180"),
    );
    for access in [Access::Linear, Access::Preroll(2)] {
        let other = |plan: Plan| Plan { access, ..plan };
        any_way_by_another_plan_gives_the_same_bytes(&source, other);
    }
}

#[test]
fn transport_streams_are_entered_exactly() {
    let folder = tempfile::tempdir().unwrap();
    let coded = "-c:v libx264 -preset veryfast -bf 2 -g 50 -c:a aac -f mpegts";
    let inputs = format!("{} {}", picture("60000/1001", "5"), sound("44100", "5"));
    any_way_gives_the_same_bytes(&made(folder.path(), "s.ts", &format!("{inputs} {coded}")));
}

#[test]
fn matroska_is_entered_exactly() {
    let folder = tempfile::tempdir().unwrap();
    let coded = "-c:v libx264 -preset veryfast -bf 2 -g 48 -c:a aac";
    let inputs = format!("{} {}", picture("25", "4.4"), sound("44100", "4.4"));
    any_way_gives_the_same_bytes(&made(folder.path(), "m.mkv", &format!("{inputs} {coded}")));
}

/// Every segment except the first starts in the middle of a gap of more than a second.
#[test]
fn a_picture_that_is_held_for_long_is_found_from_anywhere() {
    let folder = tempfile::tempdir().unwrap();
    let held = "-vf select='not(between(mod(n,50),9,45))' -vsync vfr \
        -c:v libx264 -preset veryfast -bf 3 -g 250 -x264-params scenecut=0 -c:a aac";
    let inputs = format!("{} {}", picture("30", "9"), sound("48000", "9"));
    any_way_gives_the_same_bytes(&made(
        folder.path(),
        "held.mp4",
        &format!("{inputs} {held}"),
    ));
}

#[test]
fn stretches_of_an_edit_list_are_entered_exactly() {
    let folder = tempfile::tempdir().unwrap();
    let coded = "-c:v libx264 -preset veryfast -bf 3 -g 48 -c:a aac";
    let inputs = format!("{} {}", picture("30", "9"), sound("44100", "9"));
    let source = made(folder.path(), "edits.mp4", &format!("{inputs} {coded}"));
    let stretches = [
        Play(0.21, 2.77),
        Nothing(0.63),
        Play(4.44, 3.13),
        Still(1.0, 1.19),
        Play(2.0, 2.31),
    ];
    edits::set(&source, &stretches);
    any_way_gives_the_same_bytes(&source);
}

/// The pictures of these codecs and containers refer to others, or are found, in ways of their own.
#[test]
fn other_codecs_and_containers_are_entered_exactly() {
    let interlaced = "-vf tinterlace=interleave_top,fieldorder=tff";
    let sources = [
        // Leading pictures after each key frame refer to pictures before it.
        ("cra.mp4", "-c:v libx265 -preset ultrafast -x265-params log-level=0:open-gop=1:bframes=4:keyint=50".to_owned()),
        ("open.mpg", "-c:v mpeg2video -bf 2 -g 15 -b:v 600k".to_owned()),
        ("open.ts", "-c:v mpeg2video -bf 2 -g 15 -b:v 600k".to_owned()),
        // The first picture is the only key frame.
        ("refresh.mp4", "-c:v libx264 -preset veryfast -x264-params intra-refresh=1:keyint=50:bframes=2".to_owned()),
        ("hidden.webm", "-c:v libvpx-vp9 -deadline realtime -cpu-used 8 -auto-alt-ref 1 -lag-in-frames 16 -g 60 -b:v 300k".to_owned()),
        ("hidden.mkv", "-c:v libvpx -deadline realtime -cpu-used 8 -auto-alt-ref 1 -lag-in-frames 16 -g 60 -b:v 300k".to_owned()),
        ("plain.avi", "-c:v mpeg4 -bf 2 -g 40 -b:v 600k".to_owned()),
        ("gaps.avi", "-vf select='not(between(mod(n,60),20,24))' -c:v mpeg4 -g 40 -b:v 600k".to_owned()),
        ("plain.flv", "-c:v flv -g 40 -b:v 600k -c:a libmp3lame -ar 44100".to_owned()),
        ("plain.ogv", "-c:v libtheora -g 40 -b:v 600k -c:a libvorbis".to_owned()),
        ("plain.wmv", "-c:v wmv2 -g 40 -b:v 600k -c:a wmav2".to_owned()),
        ("plain.mxf", "-c:v mpeg2video -bf 2 -g 12 -b:v 900k -c:a pcm_s16le".to_owned()),
        ("fields.mp4", format!("{interlaced} -c:v libx264 -preset veryfast -flags +ilme+ildct -g 40")),
        ("fields.ts", format!("{interlaced} -c:v mpeg2video -flags +ilme+ildct -bf 2 -g 12 -b:v 900k")),
    ];
    let folder = tempfile::tempdir().unwrap();
    let mut differ = Vec::new();
    for (name, coded) in sources {
        let inputs = format!("{} {}", picture("25", "7"), sound("48000", "7"));
        let inputs = inputs.replace("640x360", "320x180") + " -ac 1";
        let source = made(folder.path(), name, &format!("{inputs} {coded}"));
        let outcome = std::panic::catch_unwind(|| any_way_gives_the_same_bytes(&source));
        differ.extend(outcome.err().map(|_| name));
    }
    assert!(differ.is_empty(), "{differ:?}");
}

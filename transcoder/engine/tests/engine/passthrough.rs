//! Segments of the source's own pictures.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use bytes::Bytes;
use mp4_atom::{Decode, Moof, Styp};
use plan::{Frames, MediaInfo, Plan, Policy, RenditionId};
use protocol::Order;

use crate::support::Engine;
use crate::support::sources::{ffmpeg, made, picture, sound};

/// Arguments of an encode within the caps of 360p, with pictures that refer to later ones.
const CODED: &str = "-c:v libx264 -preset veryfast -bf 3 -pix_fmt yuv420p -b:v 700k -maxrate 900k -bufsize 900k -g 60 -c:a aac";

fn plan_of(info: &MediaInfo) -> Plan {
    let policy = Policy {
        passthrough: true,
        ..Policy::default()
    };
    plan::make_plan(info, &policy).unwrap()
}

fn planned(source: &Path) -> (Engine, Plan) {
    let mut engine = Engine::start(source, 1);
    let plan = plan_of(&engine.probe().unwrap());
    engine.plan(&plan);
    (engine, plan)
}

fn passed(plan: &Plan) -> RenditionId {
    plan.passed_through().expect("it is passed through").id
}

/// Writes the rendition to one file.
fn whole(engine: &mut Engine, plan: &Plan, folder: &Path) -> PathBuf {
    let id = passed(plan);
    let init = engine.inits([id]).unwrap().inits.remove(&id).unwrap();
    let made = engine.segments(&[id], 0, plan.segments()).segments;
    for ((_, segment), bytes) in &made {
        let (start, _) = plan.timeline.segment_frames(*segment);
        let rung = &plan.video[0];
        // The init segment takes this delay away again.
        let delay = i64::from(rung.reorder_frames);
        let first = (start.0 + delay) * i64::from(rung.frame_duration);
        assert_eq!(begins(bytes), first, "{segment}");
    }
    let segments = made.into_values();
    joined(std::iter::once(init).chain(segments), folder)
}

fn joined(parts: impl Iterator<Item = Bytes>, folder: &Path) -> PathBuf {
    let path = folder.join("passed.mp4");
    std::fs::write(&path, parts.collect::<Vec<_>>().concat()).unwrap();
    path
}

/// Presentation time of a segment's first picture, in units of its track.
fn begins(segment: &[u8]) -> i64 {
    let mut rest = segment;
    Styp::decode(&mut rest).unwrap();
    let track = Moof::decode(&mut rest).unwrap().traf.remove(0);
    let start = track.tfdt.unwrap().base_media_decode_time as i64;
    let first = track.trun[0].samples.iter().next().unwrap();
    start + first.cts.unwrap()
}

/// Hash of each decoded picture.
fn pictures(path: &Path) -> Vec<String> {
    let path = path.to_str().unwrap();
    let way = [
        "-map",
        "0:v",
        "-fps_mode",
        "passthrough",
        "-f",
        "framemd5",
        "-",
    ];
    let text = String::from_utf8(ffmpeg(&[&["-i", path][..], &way].concat())).unwrap();
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines
        .map(|line| line.rsplit(',').next().unwrap().trim().to_owned())
        .collect()
}

/// Presentation times after the first picture, in seconds: FFmpeg shifts files with negative offsets.
fn times(path: &Path) -> Vec<f64> {
    let output = Command::new("ffprobe")
        .args([
            "-v",
            "error",
            "-select_streams",
            "v",
            "-show_entries",
            "frame=pts_time",
            "-of",
            "csv=p=0",
        ])
        .arg(path)
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    // Side data of a picture leaves an empty column, or an empty line.
    let times = text.lines().filter_map(|line| line.split(',').next());
    let times = times.filter(|time| !time.is_empty());
    let times: Vec<f64> = times.map(|time| time.parse().unwrap()).collect();
    times.iter().map(|time| time - times[0]).collect()
}

fn the_source_comes_out(name: &str, rate: &str, coded: &str) {
    let folder = tempfile::tempdir().unwrap();
    let inputs = format!("{} {}", picture(rate, "13"), sound("48000", "13"));
    let source = made(folder.path(), name, &format!("{inputs} {coded}"));
    let (mut engine, plan) = planned(&source);
    let copy = whole(&mut engine, &plan, folder.path());
    assert_eq!(pictures(&copy), pictures(&source), "{name}");
    let (copied, own) = (times(&copy), times(&source));
    assert_eq!(copied.len(), own.len(), "{name}");
    for (copied, own) in copied.iter().zip(own) {
        assert!((copied - own).abs() < 0.000_1, "{name}: {copied} for {own}");
    }
}

#[test]
fn the_sources_own_pictures_come_out_at_their_times() {
    let regular = format!("{CODED} -x264-params scenecut=0");
    the_source_comes_out("plain.mp4", "30", &regular);
    the_source_comes_out("ntsc.mov", "30000/1001", CODED);
    the_source_comes_out(
        "no-b.mp4",
        "25",
        &format!("{CODED} -bf 0 -profile:v baseline"),
    );
}

#[test]
fn a_segment_made_alone_equals_the_one_made_in_a_chunk() {
    let folder = tempfile::tempdir().unwrap();
    let inputs = format!("{} {}", picture("30", "13"), sound("48000", "13"));
    let source = made(folder.path(), "s.mp4", &format!("{inputs} {CODED}"));
    let (mut engine, plan) = planned(&source);
    let all: Vec<RenditionId> = plan.media_ids().collect();
    let chunk = engine.segments(&all, 0, plan.segments()).segments;
    let id = passed(&plan);
    let (mut other, _) = planned(&source);
    for segment in (0..plan.segments()).rev() {
        let alone = other.segments(&[id], segment, 1).segments;
        assert!(alone[&(id, segment)] == chunk[&(id, segment)], "{segment}");
        let (start, end) = plan.timeline.segment_frames(segment);
        let bits = 8 * alone[&(id, segment)].len() as i64 * 30 / (end - start).0;
        assert!(bits <= plan.video[0].cap_bits_per_second as i64);
    }
}

/// The sound is longer, so the last picture is shown until it ends.
#[test]
fn the_last_picture_is_held() {
    let folder = tempfile::tempdir().unwrap();
    let inputs = format!("{} {}", picture("30", "6"), sound("48000", "6.5"));
    let source = made(folder.path(), "s.mp4", &format!("{inputs} {CODED}"));
    let (mut engine, plan) = planned(&source);
    let frames = plan.timeline.frames().0;
    assert!((195..=196).contains(&frames), "{frames}");
    let copy = whole(&mut engine, &plan, folder.path());
    assert_eq!(pictures(&copy), pictures(&source));
    let length = Command::new("ffprobe")
        .args([
            "-v",
            "error",
            "-show_entries",
            "format=duration",
            "-of",
            "csv=p=0",
        ])
        .arg(&copy)
        .output()
        .unwrap();
    let length: f64 = String::from_utf8(length.stdout)
        .unwrap()
        .trim()
        .parse()
        .unwrap();
    assert!((length - frames as f64 / 30.0).abs() < 0.001, "{length}");
}

/// The sound begins before the pictures, so the first picture is shown from there.
#[test]
fn the_first_picture_is_held() {
    let folder = tempfile::tempdir().unwrap();
    let inputs = format!("{} {}", picture("30", "6"), sound("48000", "6"));
    let source = made(folder.path(), "s.mp4", &format!("{inputs} {CODED}"));
    let path = source.to_str().unwrap();
    let late = format!("-itsoffset 0.2 -i {path} -i {path} -map 0:v -map 1:a -c copy");
    let source = made(folder.path(), "late.mp4", &late);
    let (mut engine, plan) = planned(&source);
    let copy = whole(&mut engine, &plan, folder.path());
    assert_eq!(pictures(&copy), pictures(&source));
    let times = times(&copy);
    assert!((times[1] - 7.0 / 30.0).abs() < 0.0001, "{}", times[1]);
}

#[test]
fn other_sources_are_encoded() {
    let folder = tempfile::tempdir().unwrap();
    for (name, coded) in [
        (
            "open.mp4",
            format!("{CODED} -x264-params open-gop=1:scenecut=0"),
        ),
        (
            "refresh.mp4",
            format!("{CODED} -x264-params intra-refresh=1"),
        ),
        ("ten-bits.mp4", CODED.replace("yuv420p", "yuv420p10le")),
        (
            "long.mp4",
            format!("{CODED} -g 600 -x264-params scenecut=0"),
        ),
        (
            "varying.mp4",
            format!("-vf select='not(between(mod(n,9),3,5))' -vsync vfr {CODED}"),
        ),
        (
            "gap.mp4",
            format!("-vf select='not(between(n,100,103))' -vsync vfr {CODED}"),
        ),
        (
            "large.mp4",
            CODED.replace("700k", "6M").replace("900k", "8M"),
        ),
        (
            "fields.mp4",
            format!("-vf tinterlace=interleave_top,fieldorder=tff {CODED} -flags +ilme+ildct"),
        ),
        ("other.mkv", CODED.to_owned()),
        // The file has one fragment, so its index is complete as soon as anything is read.
        (
            "fragment.mp4",
            format!("{CODED} -movflags empty_moov+default_base_moof -frag_duration 60000000"),
        ),
        (
            "fragments.mp4",
            format!("{CODED} -bf 0 -movflags frag_keyframe+empty_moov"),
        ),
    ] {
        // Twelve seconds are longer than a segment may be.
        let seconds = if name == "long.mp4" { "12" } else { "7" };
        let inputs = format!("{} {}", picture("30", seconds), sound("48000", seconds));
        let source = made(folder.path(), name, &format!("{inputs} {coded}"));
        let info = Engine::start(&source, 1).probe().unwrap();
        assert!(plan_of(&info).passed_through().is_none(), "{name}");
    }
}

#[test]
fn a_rotated_or_cut_source_is_encoded() {
    let folder = tempfile::tempdir().unwrap();
    let inputs = format!("{} {}", picture("30", "12"), sound("48000", "12"));
    let source = made(folder.path(), "s.mp4", &format!("{inputs} {CODED}"));
    let path = source.to_str().unwrap();
    let turned = format!("-i {path} -c copy -metadata:s:v:0 rotate=90");
    let turned = made(folder.path(), "turned.mp4", &turned);
    // The film begins inside a GOP: an edit list hides the pictures before.
    let cut = made(
        folder.path(),
        "cut.mp4",
        &format!("-ss 1.3 -i {path} -c copy"),
    );
    for source in [turned, cut] {
        let info = Engine::start(&source, 1).probe().unwrap();
        assert!(
            plan_of(&info).passed_through().is_none(),
            "{}",
            source.display()
        );
    }
}

/// Every cut is checked against the plan.
#[test]
fn nothing_is_made_where_key_frames_are_elsewhere() {
    let folder = tempfile::tempdir().unwrap();
    let inputs = format!("{} {}", picture("30", "12"), sound("48000", "12"));
    let coded = format!("{CODED} -x264-params scenecut=0");
    let source = made(folder.path(), "s.mp4", &format!("{inputs} {coded}"));
    let (mut engine, plan) = planned(&source);
    let id = passed(&plan);
    let mut other = plan.clone();
    other.timeline.boundaries[2] = Frames(plan.timeline.boundaries[2].0 + 1);
    engine.plan(&other);
    for segment in [1, 2] {
        let failure = engine.try_segments(&[id], segment, 1).unwrap_err();
        assert!(failure.contains("index"), "{failure}");
    }
    engine.segments(&[id], 3, 1);
    let mut other = plan.clone();
    other.video[0].cap_bits_per_second = 1000;
    engine.plan(&other);
    let failure = engine.try_segments(&[id], 3, 1).unwrap_err();
    assert!(failure.contains("than the index says"), "{failure}");
}

#[test]
fn a_filler_is_a_key_frame_held() {
    let folder = tempfile::tempdir().unwrap();
    let inputs = format!("{} {}", picture("30", "12"), sound("48000", "12"));
    let source = made(folder.path(), "s.mp4", &format!("{inputs} {CODED}"));
    let (mut engine, plan) = planned(&source);
    let id = passed(&plan);
    let filler = Order::Filler {
        rendition: id,
        segment: 2,
    };
    let filler = engine
        .order(filler)
        .unwrap()
        .segments
        .remove(&(id, 2))
        .unwrap();
    let init = engine.inits([id]).unwrap().inits.remove(&id).unwrap();
    let mut parts = vec![init];
    for segment in 0..plan.segments() {
        let made = engine
            .segments(&[id], segment, 1)
            .segments
            .remove(&(id, segment));
        parts.push(if segment == 2 {
            filler.clone()
        } else {
            made.unwrap()
        });
    }
    let copy = joined(parts.into_iter(), folder.path());
    let (start, end) = plan.timeline.segment_frames(2);
    let mut expected = pictures(&source);
    expected.drain(start.0 as usize + 1..end.0 as usize);
    assert_eq!(pictures(&copy), expected);
}

/// The segment needs no decoder and no encoder.
#[test]
fn a_segment_on_demand_costs_next_to_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let inputs = picture("30", "8").replace("640x360", "1920x1080");
    let coded = CODED
        .replace("700k", "5M")
        .replace("900k", "6M")
        .replace("veryfast", "superfast");
    let source = made(folder.path(), "s.mp4", &format!("{inputs} {coded}"));
    let (mut engine, plan) = planned(&source);
    let encoded = plan.with_all_encoded(&Policy::default()).unwrap();
    let time = |engine: &mut Engine, plan: &Plan, segment: u32| -> Duration {
        engine.plan(plan);
        let began = Instant::now();
        engine.segments(&[plan.video[0].id], segment, 1);
        began.elapsed()
    };
    time(&mut engine, &plan, 1);
    let copied = time(&mut engine, &plan, 3);
    let encoding = time(&mut engine, &encoded, 3);
    let mut other = Engine::start(&source, 1);
    time(&mut other, &plan, 2);
    let memory = other.peak_memory();
    println!(
        "{copied:?} to pass 1080p through, {} MB; {encoding:?} to encode it",
        memory >> 20
    );
    assert!(copied * 10 < encoding, "{copied:?} of {encoding:?}");
    let counted = protocol::memory::memory_of(&plan, &[passed(&plan)]);
    assert!(memory < counted, "{memory} of {counted}");
}

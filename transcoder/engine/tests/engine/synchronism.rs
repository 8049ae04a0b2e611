//! Flash and beep: a white picture and a tone come at the same moments of the source's time line, and must come at
//! the same moments of ours, whatever the container does to time. `CASES=edit,gap` selects the cases whose names
//! contain one of these words.

use std::path::{Path, PathBuf};

use plan::{Plan, Rational};

use crate::support::Engine;
use crate::support::edits;
use crate::support::edits::Edit::{self, Nothing, Play, Still};
use crate::support::marks::{RATE, brightness, loudness, starts, times};
use crate::support::planned;
use crate::support::sources::made;

/// Most seconds between the sound's start and the picture's, at a constant rate.
const TOLERANCE_S: f64 = 0.010;
/// Most difference of a time that FFmpeg's reader reports, in seconds; the reader prints microseconds.
const READER_S: f64 = 0.001;
/// Seconds of every source.
const SECONDS: u32 = 12;

/// Filter that starts a flash once in every so many pictures, first in the picture after half of them: about every
/// two seconds. Each flash lasts a quarter of a second, or one picture.
fn flashes(rate: Rational) -> String {
    let (every, lasts) = (pictures(rate), (rate.num() / rate.den() / 4).max(1));
    format!(
        "-f lavfi -i color=black:s=320x180:r={}/{}:d={SECONDS},\
         drawbox=c=white:t=fill:enable='between(mod(n\\,{every})\\,{first}\\,{last})',format=gray",
        rate.num(),
        rate.den(),
        first = every / 2,
        last = every / 2 + lasts - 1,
    )
}

/// Number of pictures from one flash to the next.
fn pictures(rate: Rational) -> i64 {
    2 * Rational::new(1, 1).scale_round(rate.num(), rate.den())
}

/// Sound with a beep at each flash, which starts `late_s` later than the picture.
fn beeps(rate: Rational, hertz: u32, late_s: f64) -> String {
    let every = pictures(rate) as f64 / rate.as_f64();
    let first = (pictures(rate) / 2) as f64 / rate.as_f64();
    format!(
        "-itsoffset {late_s} -f lavfi -i aevalsrc='0.5*sin(2*PI*1000*t)\
         *between(mod(t+{late_s}\\,{every:.9})\\,{first:.9}\\,{:.9})':s={hertz}:d={SECONDS}",
        first + 0.25
    )
}

fn source(folder: &Path, case: &Case) -> PathBuf {
    let beeps = beeps(case.rate, case.hertz, case.late_s);
    let inputs = format!("{} {beeps}", flashes(case.rate));
    let first = match case.then {
        Some(_) => format!("first-{}", case.name),
        None => case.name.to_owned(),
    };
    let source = made(folder, &first, &format!("{inputs} {}", case.coded));
    let source = match case.then {
        Some(then) => made(
            folder,
            case.name,
            &then.replace("IN", source.to_str().unwrap()),
        ),
        None => source,
    };
    if !case.edits.is_empty() {
        edits::set(&source, case.edits);
    }
    source
}

/// Starts of the bright stretches, and of the loud ones.
struct Marks {
    flashes: Vec<f64>,
    beeps: Vec<f64>,
}

/// Writes all of a rendition to one file.
fn whole(engine: &mut Engine, plan: &Plan, id: plan::RenditionId, path: &Path) {
    let init = engine.inits([id]).unwrap().inits[&id].clone();
    let made = engine.segments(&[id], 0, plan.segments()).segments;
    let parts = std::iter::once(init).chain((0..plan.segments()).map(|n| made[&(id, n)].clone()));
    std::fs::write(path, parts.collect::<Vec<_>>().concat()).unwrap();
}

fn ours(source: &Path) -> Marks {
    let (mut engine, plan) = planned(source, 2);
    let (picture, sound) = (
        source.with_extension("v.mp4"),
        source.with_extension("a.mp4"),
    );
    let lowest = plan.video.last().unwrap().id;
    whole(&mut engine, &plan, lowest, &picture);
    whole(&mut engine, &plan, plan.audio[0].id, &sound);
    let rate = plan.timeline.rate.as_f64();
    let marks = Marks {
        flashes: starts(&brightness(&picture), rate),
        beeps: starts(&loudness(&sound), RATE as f64),
    };
    // The boxes give each picture its place, and readers see it there.
    let (shown, heard) = (times(&picture, "v"), times(&sound, "a"));
    assert_eq!(shown.len() as i64, plan.timeline.frames().0, "{source:?}");
    for (place, at) in shown.iter().enumerate() {
        let late = at - place as f64 / rate;
        assert!(
            late.abs() < READER_S,
            "{source:?}: picture {place} at {at} s"
        );
    }
    assert!(
        heard[0].abs() < READER_S,
        "{source:?}: sound begins at {} s",
        heard[0]
    );
    marks
}

/// Times at which the flashes of a source of thirty pictures a second are shown, counted from the first, if these
/// stretches of the source are shown.
fn edited(edits: &[Edit]) -> Vec<f64> {
    let mut shown = Vec::new();
    let mut end = 0.0;
    for edit in edits {
        let (start, seconds) = match *edit {
            Play(start, seconds) => (start, seconds),
            Nothing(seconds) | Still(_, seconds) => (f64::MAX, seconds),
        };
        let flashes = (0..SECONDS / 2).map(|at| f64::from(2 * at + 1));
        let inside = flashes.filter(|flash| (start..start + seconds).contains(flash));
        shown.extend(inside.map(|flash| end + flash - start));
        end += seconds;
    }
    let first = shown[0];
    shown.iter().map(|flash| flash - first).collect()
}

/// A source made from a picture and a sound, with its expected synchronism.
struct Case {
    name: &'static str,
    rate: Rational,
    hertz: u32,
    coded: &'static str,
    /// Seconds by which the sound starts after the picture.
    late_s: f64,
    /// Arguments with which the `ffmpeg` program changes the file afterwards, without coding it again.
    then: Option<&'static str>,
    /// Stretches of the source that are shown, in their order; an empty list shows all.
    edits: &'static [Edit],
    /// Numbers of flashes and of beeps that are left.
    marks: (usize, usize),
    /// Seconds by which the source's own beeps come after its flashes.
    offset_s: f64,
    /// Seconds that are allowed beyond [`TOLERANCE_S`].
    slack_s: f64,
}

const H264: &str = "-c:v libx264 -preset veryfast -bf 2 -g 60 -c:a aac";

const SHORT_SOUND: &str = "-c:v libx264 -preset veryfast -bf 2 -g 60 -c:a aac -af atrim=0:6.5";
const LONG_GROUP: &str = "-c:v libx264 -preset veryfast -bf 2 -g 9999 -keyint_min 9999 -c:a aac";
const OPEN_GROUPS: &str =
    "-c:v libx264 -preset veryfast -bf 3 -x264-params open-gop=1:keyint=48:scenecut=0 -c:a aac";

fn cases() -> Vec<Case> {
    let plain = |name, (num, den), hertz, coded| Case {
        name,
        rate: Rational::new(num, den),
        hertz,
        coded,
        late_s: 0.0,
        then: None,
        edits: &[],
        marks: (6, 6),
        offset_s: 0.0,
        slack_s: 0.0,
    };
    let (ntsc, film) = ((30_000, 1001), (24_000, 1001));
    let vp9 = "-c:v libvpx-vp9 -deadline realtime -cpu-used 8 -g 60 -c:a libopus";
    let mpeg2 = "-c:v mpeg2video -bf 2 -g 12 -q:v 4 -c:a ac3";
    let interlaced = "-vf tinterlace=interleave_top,fieldorder=tff -c:v mpeg2video \
        -flags +ilme+ildct -g 12 -q:v 4 -c:a mp2";
    // Some pictures are left out, but none with which a flash starts.
    let variable = "-vf select='not(between(mod(n\\,60)\\,35\\,59)*not(mod(n\\,3)))' -vsync vfr \
        -c:v libx264 -preset veryfast -bf 2 -g 60 -c:a aac";
    vec![
        plain("30.mp4", (30, 1), 48_000, H264),
        plain("ntsc.mp4", ntsc, 48_000, H264),
        plain("film.mkv", film, 44_100, H264),
        plain("pal.ts", (25, 1), 48_000, H264),
        plain("fast.mp4", (60, 1), 44_100, H264),
        // FFmpeg's writer puts pictures 7 ms later, for a sound whose priming lasts 6.5 ms.
        Case {
            offset_s: -0.0075,
            ..plain("vp9-opus.webm", (30, 1), 48_000, vp9)
        },
        plain(
            "mp3.mkv",
            (25, 1),
            44_100,
            "-c:v libx264 -preset veryfast -c:a libmp3lame",
        ),
        plain(
            "vorbis.ogv",
            (25, 1),
            44_100,
            "-c:v libtheora -q:v 6 -c:a libvorbis",
        ),
        plain("ac3.ts", (25, 1), 48_000, mpeg2),
        plain("ac3.mpg", (25, 1), 48_000, mpeg2),
        plain(
            "pcm.avi",
            (25, 1),
            48_000,
            "-c:v mpeg4 -g 40 -q:v 4 -c:a pcm_s16le",
        ),
        plain("adts.flv", (30, 1), 44_100, "-c:v flv -q:v 4 -c:a aac"),
        plain("wma.wmv", (30, 1), 44_100, "-c:v wmv2 -q:v 4 -c:a wmav2"),
        plain(
            "pcm.mxf",
            (25, 1),
            48_000,
            "-c:v mpeg2video -bf 2 -g 12 -q:v 4 -c:a pcm_s16le",
        ),
        plain(
            "fragments.mp4",
            (30, 1),
            48_000,
            "-c:v libx264 -preset veryfast -c:a aac -movflags frag_keyframe+empty_moov",
        ),
        plain("slow.mp4", (5, 1), 48_000, H264),
        plain("hundred.mp4", (100, 1), 48_000, H264),
        plain("fields.ts", (50, 1), 48_000, interlaced),
        Case {
            late_s: 0.7,
            ..plain("late-sound.mp4", (30, 1), 48_000, H264)
        },
        Case {
            late_s: 0.7,
            ..plain("late-sound.mkv", (30, 1), 44_100, H264)
        },
        // An edit list begins between key frames.
        Case {
            then: Some("-ss 1.43 -i IN -c copy"),
            marks: (5, 5),
            ..plain("cut.mp4", (30, 1), 48_000, H264)
        },
        Case {
            then: Some("-itsoffset 1.5 -i IN -c copy"),
            ..plain("starts-later.mp4", (30, 1), 48_000, H264)
        },
        // A clock of 33 bits at 90 kHz ends at 95,443.7 s.
        Case {
            then: Some("-i IN -c copy -output_ts_offset 95438"),
            ..plain("wrap.ts", ntsc, 48_000, H264)
        },
        // Ten seconds are missing from the middle on.
        Case {
            then: Some(
                "-i IN -c copy -bsf:v setts=ts=TS+10/TB*gte(TS*TB\\,8) \
                 -bsf:a setts=ts=TS+10/TB*gte(TS*TB\\,8)",
            ),
            ..plain("gap.ts", (30, 1), 48_000, H264)
        },
        // Time stamps start before zero.
        Case {
            then: Some("-i IN -c copy -avoid_negative_ts disabled -output_ts_offset -3.3"),
            marks: (4, 4),
            ..plain("negative.mp4", (30, 1), 48_000, H264)
        },
        Case {
            edits: &[Play(0.0, 4.0), Play(6.3, 5.7)],
            marks: (5, 5),
            ..plain("skips.mp4", (30, 1), 48_000, H264)
        },
        // The first cut leaves nothing out and lies between two frames of the sound; the second cut leaves something
        // out.
        Case {
            edits: &[Play(0.0, 8.0), Play(8.0, 1.3), Play(10.3, 1.7)],
            ..plain("parts.mp4", (30, 1), 48_000, H264)
        },
        // The middle comes first, and once more.
        Case {
            edits: &[Play(4.3, 4.0), Play(0.2, 4.0), Play(4.3, 2.0)],
            marks: (5, 5),
            ..plain("several.mp4", (30, 1), 48_000, H264)
        },
        Case {
            edits: &[
                Nothing(0.9),
                Play(0.0, 4.0),
                Nothing(1.1),
                Play(4.0, 4.0),
                Still(8.0, 1.3),
                Play(8.0, 4.0),
            ],
            ..plain("dwells.mp4", (30, 1), 48_000, H264)
        },
        Case {
            marks: (6, 3),
            ..plain("short-sound.mp4", (30, 1), 48_000, SHORT_SOUND)
        },
        plain("long-group.mp4", (30, 1), 48_000, LONG_GROUP),
        plain("open-groups.mp4", (30, 1), 48_000, OPEN_GROUPS),
        Case {
            slack_s: 1.0 / 60.0 + 0.005,
            ..plain("variable.mp4", (30, 1), 48_000, variable)
        },
    ]
}

#[test]
fn flash_and_beep_stay_together() {
    let folder = tempfile::tempdir().unwrap();
    let mut wrong = Vec::new();
    eprintln!(
        "{:18} {:>9} {:>9} {:>9}",
        "milliseconds", "start", "middle", "end"
    );
    let asked = std::env::var("CASES").unwrap_or_default();
    let is_asked = |case: &Case| asked.split(',').any(|part| case.name.contains(part));
    let cases: Vec<Case> = cases().into_iter().filter(is_asked).collect();
    assert!(!cases.is_empty(), "no case is called {asked}");
    for case in cases {
        let source = source(folder.path(), &case);
        let Marks { flashes, beeps } = ours(&source);
        let all = beeps.len();
        if (flashes.len(), all) != case.marks {
            wrong.push(format!("{}: {flashes:?} {beeps:?}", case.name));
            continue;
        }
        if !case.edits.is_empty() {
            for (shown, right) in flashes.iter().zip(edited(case.edits)) {
                let late = shown - flashes[0] - right;
                assert!(
                    late.abs() < TOLERANCE_S,
                    "{}: {late} in {flashes:?}",
                    case.name
                );
            }
        }
        let off = |at: usize| beeps[at] - flashes[at] - case.offset_s;
        let each = [off(0), off(all / 2), off(all - 1)].map(|off| off * 1000.0);
        eprintln!(
            "{:18} {:9.1} {:9.1} {:9.1}",
            case.name, each[0], each[1], each[2]
        );
        if (0..all).any(|at| off(at).abs() > TOLERANCE_S + case.slack_s) {
            wrong.push(format!("{}: {flashes:?} {beeps:?}", case.name));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

//! Inputs that other products' users met and that those products got wrong, each with what must come out. They lie in
//! `shared/field` beside the checkout, whose `cases.json` describes each.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use anyhow::{Result, bail, ensure};
use serde_json::Value;

use crate::support::corpus::corpus;
use crate::support::watched::{Watched, name};

/// Check of an outcome; an error says what is wrong.
type Check = fn(&Watched) -> Result<()>;

/// Number of cases that are checked at the same time.
const AT_ONCE: usize = 2;

/// Name of each case, the codes of its notes, and the check of its outcome.
const CASES: [(&str, &[&str], Check); 27] = [
    ("01-fonts", &[], fonts),
    ("02-ipcm", &[], ipcm),
    ("03-wvtt", &[], wvtt),
    ("05-ts-restart", &["time_joined"], red_then_blue),
    ("06-mjpeg-first", &["track_skipped"], mjpeg_first),
    ("07-disabled-first", &["track_skipped"], disabled_first),
    ("08-last-sample", &["length_corrected"], last_sample),
    ("09-webrtc-grows", &["format_changes"], webrtc_grows),
    ("12-ac3-centre", &[], ac3_centre),
    ("15-display-aspect", &[], display_aspect),
    ("18-webvtt-mkv", &[], webvtt_mkv),
    ("19-latin1", &[], latin1),
    ("20-bcp47", &[], bcp47),
    ("22-two-programmes", &["track_skipped"], two_programmes),
    ("24-video-never", &["track_skipped"], video_never),
    ("26-hevc-fields", &[], hevc_fields),
    ("31-avi-cut", &["truncated"], avi_cut),
    ("36-alpha", &[], alpha),
    ("43-late-sound", &[], late_sound),
    ("44-telecine", &[], telecine),
    ("45-pce", &["format_changes"], pce),
    ("49-chapters", &[], chapters),
    ("s11b-mp2-stereo-mono", &["format_changes"], mp2_stereo_mono),
    ("s11d-aac-48-32k", &["format_changes"], aac_48_32k),
    ("s35a-mpeg4-b", &[], mpeg4_b),
    ("s05a-chained", &["time_joined"], chained),
    ("s08a-last-600s", &["length_corrected"], last_sample),
];

#[test]
fn every_field_case_of_the_corpus_comes_out_right() {
    let folder = corpus().join("../field");
    let text = std::fs::read_to_string(folder.join("cases.json"));
    let text = text.expect("shared/field lies beside the corpus");
    let cases: Vec<Value> = serde_json::from_str(&text).unwrap();
    let file = |id: &str| -> PathBuf {
        let case = cases.iter().find(|case| case["id"] == id);
        folder.join(
            case.unwrap_or_else(|| panic!("no case {id}"))["file"]
                .as_str()
                .unwrap(),
        )
    };
    let known: BTreeSet<&str> = CASES.iter().map(|(id, ..)| *id).collect();
    let all: BTreeSet<&str> = cases
        .iter()
        .map(|case| case["id"].as_str().unwrap())
        .collect();
    assert_eq!(known, all, "a case has no check");
    check_all(&CASES, file);
}

/// Checks cases, prints a table of them, and fails where one is wrong.
pub fn check_all(cases: &[(&str, &[&str], Check)], file: impl Fn(&str) -> PathBuf + Sync) {
    let (next, wrong) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let check_next = || {
        while let Some((id, said, check)) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
            let began = Instant::now();
            let outcome = checked(&file(id), said, *check);
            match &outcome {
                Ok(said) => eprintln!("{id:28} right {said} {:.1?}", began.elapsed()),
                Err(problem) => {
                    eprintln!("{id:28} WRONG: {problem}");
                    wrong.lock().unwrap().push(format!("{id}: {problem}"));
                }
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(check_next);
        }
    });
    let wrong = wrong.into_inner().unwrap();
    assert!(wrong.is_empty(), "{wrong:#?}");
    eprintln!("{} passed, 0 failed", cases.len());
}

fn checked(path: &Path, said: &[&str], check: Check) -> Result<String> {
    let watched = Watched::of(path).map_err(|code| anyhow::anyhow!("refused, {code}"))?;
    ensure!(
        watched.said() == said,
        "said is {:?}, not {said:?}",
        watched.said()
    );
    check(&watched)?;
    Ok(format!("{:.2} s, said {said:?}", watched.seconds()))
}

/// Checks that the video lasts `seconds` seconds, to within two tenths.
pub fn lasts(watched: &Watched, seconds: f64) -> Result<()> {
    ensure!(
        (watched.seconds() - seconds).abs() <= 0.2,
        "{} s, not {seconds}",
        watched.seconds()
    );
    Ok(())
}

/// Checks that only this tone of the known ones is heard, in both channels about as loud as given.
pub fn hears(watched: &Watched, seconds: f64, left: f64, right: f64) -> Result<()> {
    for hertz in [440.0, 660.0, 880.0, 1320.0] {
        let levels = watched.tone(0, seconds, hertz);
        for (channel, wanted) in [left, right].into_iter().enumerate() {
            let is_there = levels[channel] > 0.03;
            ensure!(
                is_there == (hertz == wanted),
                "{hertz} Hz at {seconds} s: {levels:?}"
            );
        }
    }
    Ok(())
}

/// Checks that each beep is with its flash, within 45 ms, at these seconds.
pub fn beeps_at(watched: &Watched, seconds: &[f64]) -> Result<()> {
    let (flashes, beeps) = watched.marks();
    ensure!(beeps.len() == seconds.len(), "beeps at {beeps:?}");
    for (beep, wanted) in beeps.iter().zip(seconds) {
        let is_with = flashes.iter().any(|flash| (flash - beep).abs() <= 0.045);
        ensure!(
            is_with && (beep - wanted).abs() < 0.1,
            "beeps {beeps:?}, flashes {flashes:?}"
        );
    }
    Ok(())
}

fn says(watched: &Watched, track: usize, wanted: &[(f64, f64, &str)]) -> Result<()> {
    let cues = &watched.cues[track].cues;
    ensure!(cues.len() == wanted.len(), "{cues:?}");
    for (cue, (from, to, text)) in cues.iter().zip(wanted) {
        let near = |us: i64, seconds: f64| (us as f64 / 1e6 - seconds).abs() < 0.06;
        ensure!(
            near(cue.start_us, *from) && near(cue.end_us, *to) && cue.text == *text,
            "{cue:?}"
        );
    }
    Ok(())
}

fn fonts(watched: &Watched) -> Result<()> {
    lasts(watched, 6.0)?;
    ensure!(
        watched.size() == (640, 360) && watched.plan.audio.len() == 1,
        "{:?}",
        watched.size()
    );
    says(watched, 0, &[(1.0, 2.5, "Hello"), (3.0, 5.0, "World")])
}

fn ipcm(watched: &Watched) -> Result<()> {
    lasts(watched, 6.0)?;
    beeps_at(watched, &[1.0, 3.0, 5.0])
}

fn wvtt(watched: &Watched) -> Result<()> {
    lasts(watched, 6.0)?;
    let language = watched.info.text[0]
        .language
        .as_deref()
        .and_then(plan::language::tag);
    ensure!(language.as_deref() == Some("en"), "{language:?}");
    says(
        watched,
        0,
        &[
            (0.5, 2.0, "First line"),
            (2.5, 4.0, "Zweite Zeile: \u{e4}\u{f6}\u{fc} <i>kursiv</i>"),
            (4.2, 5.8, "Two\nlines &amp; one ampersand"),
        ],
    )
}

/// Checks two recordings of five seconds, one behind the other.
pub fn red_then_blue(watched: &Watched) -> Result<()> {
    lasts(watched, 10.0)?;
    hears(watched, 2.5, 440.0, 440.0)?;
    hears(watched, 7.5, 880.0, 880.0)?;
    let colors = [2.5, 7.5].map(|at| watched.named(at));
    ensure!(colors == ["red", "blue"], "{colors:?}");
    Ok(())
}

fn mjpeg_first(watched: &Watched) -> Result<()> {
    lasts(watched, 6.0)?;
    let codec = &watched.info.video.as_ref().unwrap().codec;
    ensure!(
        watched.size() == (640, 360) && codec == "h264",
        "{:?} {codec}",
        watched.size()
    );
    ensure!(
        (149..=153).contains(&watched.pictures()),
        "{}",
        watched.pictures()
    );
    Ok(())
}

fn disabled_first(watched: &Watched) -> Result<()> {
    lasts(watched, 6.0)?;
    ensure!(watched.size() == (640, 360), "{:?}", watched.size());
    let colors = [0.0, 3.0, 5.9].map(|at| watched.named(at));
    ensure!(colors == ["blue"; 3], "{colors:?}");
    hears(watched, 3.0, 440.0, 440.0)
}

fn last_sample(watched: &Watched) -> Result<()> {
    lasts(watched, 6.0)?;
    ensure!(
        (180..=182).contains(&watched.pictures()),
        "{}",
        watched.pictures()
    );
    Ok(())
}

fn webrtc_grows(watched: &Watched) -> Result<()> {
    lasts(watched, 8.0)?;
    ensure!(watched.size() == (1280, 720), "{:?}", watched.size());
    // Pictures of another shape would be framed in black.
    let edges = [0.5, 1.5, 5.0].map(|at| watched.color(at, (0.02, 0.98)));
    ensure!(
        edges
            .iter()
            .all(|edge| edge.iter().any(|level| *level > 60)),
        "{edges:?}"
    );
    Ok(())
}

fn ac3_centre(watched: &Watched) -> Result<()> {
    let tone = |hertz| watched.tone(0, 3.0, hertz);
    let (left, right, centre) = (tone(440.0), tone(880.0), tone(1320.0));
    let decibels = |a: f64, b: f64| 20.0 * (a / b).log10();
    ensure!(decibels(centre[0], centre[1]).abs() < 0.5, "{centre:?}");
    ensure!(decibels(centre[0], left[0]) > -3.0, "{centre:?} {left:?}");
    ensure!(left[1] < 0.01 && right[0] < 0.01, "{left:?} {right:?}");
    Ok(())
}

fn display_aspect(watched: &Watched) -> Result<()> {
    let (width, height) = watched.size();
    ensure!(
        height == 480 && (852..=856).contains(&width),
        "{width}x{height}"
    );
    Ok(())
}

fn webvtt_mkv(watched: &Watched) -> Result<()> {
    let language = watched.info.text[0]
        .language
        .as_deref()
        .and_then(plan::language::tag);
    ensure!(language.as_deref() == Some("fr"), "{language:?}");
    let times: Vec<_> = watched.cues[0]
        .cues
        .iter()
        .map(|cue| (cue.start_us, cue.end_us))
        .collect();
    let wanted = [
        (500_000, 2_000_000),
        (2_500_000, 4_000_000),
        (4_200_000, 5_800_000),
    ];
    let near = |(a, b): (&(i64, i64), &(i64, i64))| {
        (a.0 - b.0).abs() < 60_000 && (a.1 - b.1).abs() < 60_000
    };
    ensure!(
        times.len() == 3 && times.iter().zip(&wanted).all(near),
        "{times:?}"
    );
    Ok(())
}

fn latin1(watched: &Watched) -> Result<()> {
    let texts: Vec<&str> = watched.cues[0].cues.iter().map(|cue| &*cue.text).collect();
    ensure!(texts.len() == 3, "{texts:?}");
    ensure!(
        texts[1..] == ["Caf\u{e9} d\u{e9}j\u{e0} vu", "\u{dc}ber stra\u{df}e"],
        "{texts:?}"
    );
    let encoding = watched.cues[0].guessed_encoding.as_deref();
    ensure!(encoding == Some("windows-1252"), "{encoding:?}");
    Ok(())
}

fn bcp47(watched: &Watched) -> Result<()> {
    let tags = watched
        .info
        .text
        .iter()
        .filter_map(|text| plan::language::tag(text.language.as_deref()?));
    let tags: Vec<String> = tags.collect();
    ensure!(
        tags == ["zh-Hans", "zh-Hant", "pt-BR", "es-419"],
        "{tags:?}"
    );
    let names: BTreeSet<_> = tags
        .iter()
        .filter_map(|tag| plan::language::name(tag))
        .collect();
    ensure!(names.len() == 4, "{names:?}");
    let sound = watched.info.audio[0]
        .language
        .as_deref()
        .and_then(plan::language::tag);
    ensure!(sound.as_deref() == Some("pt-BR"), "{sound:?}");
    let plan = watched.plan.with_text(&watched.cues);
    ensure!(plan.default_text().is_some(), "none is shown first");
    Ok(())
}

fn two_programmes(watched: &Watched) -> Result<()> {
    lasts(watched, 5.0)?;
    ensure!(
        watched.plan.audio.len() == 1,
        "{} sounds",
        watched.plan.audio.len()
    );
    match watched.named(2.5) {
        "red" => hears(watched, 2.5, 440.0, 440.0),
        "blue" => hears(watched, 2.5, 880.0, 880.0),
        other => bail!("{other}"),
    }
}

fn video_never(watched: &Watched) -> Result<()> {
    lasts(watched, 6.0)?;
    ensure!(watched.plan.video.is_empty(), "it has a picture");
    hears(watched, 3.0, 440.0, 440.0)
}

fn hevc_fields(watched: &Watched) -> Result<()> {
    lasts(watched, 5.0)?;
    ensure!(watched.size() == (640, 360), "{:?}", watched.size());
    let rate = watched.plan.timeline.rate.as_f64();
    ensure!(rate == 50.0 || rate == 25.0, "{rate} pictures a second");
    Ok(())
}

fn avi_cut(watched: &Watched) -> Result<()> {
    ensure!(
        (5.5..6.5).contains(&watched.seconds()),
        "{} s",
        watched.seconds()
    );
    beeps_at(watched, &[1.0, 3.0, 5.0])
}

fn alpha(watched: &Watched) -> Result<()> {
    lasts(watched, 3.0)?;
    ensure!(watched.size() == (320, 180), "{:?}", watched.size());
    let middle = watched.color(1.5, (0.5, 0.5));
    let is_near = middle
        .iter()
        .zip([0, 200, 0])
        .all(|(level, wanted)| level.abs_diff(wanted) <= 6);
    ensure!(is_near, "{middle:?}");
    let edge = watched.color(1.5, (0.05, 0.05));
    ensure!(edge.iter().all(|level| *level < 12), "{edge:?}");
    Ok(())
}

fn late_sound(watched: &Watched) -> Result<()> {
    lasts(watched, 20.0)?;
    ensure!(
        watched.plan.audio.len() == 1,
        "{} sounds",
        watched.plan.audio.len()
    );
    beeps_at(watched, &[13.0, 15.0, 17.0, 19.0])
}

fn telecine(watched: &Watched) -> Result<()> {
    ensure!(
        (watched.seconds() - 6.0).abs() <= 0.1,
        "{} s",
        watched.seconds()
    );
    let rate = watched.plan.timeline.rate;
    ensure!(
        rate == plan::Rational::new(24_000, 1001),
        "{rate} pictures a second"
    );
    ensure!(watched.pictures() == 144, "{} pictures", watched.pictures());
    let (width, height) = watched.size();
    let shape = f64::from(width) / f64::from(height);
    ensure!((shape - 16.0 / 9.0).abs() < 0.02, "{width}x{height}");
    Ok(())
}

fn pce(watched: &Watched) -> Result<()> {
    ensure!(
        (watched.seconds() - 6.0).abs() <= 0.1,
        "{} s",
        watched.seconds()
    );
    for seconds in [1.5, 2.5, 4.5] {
        let (left, right) = (
            watched.tone(0, seconds, 440.0),
            watched.tone(0, seconds, 880.0),
        );
        ensure!(
            left[0] > 0.04 && left[1] < 0.01,
            "440 Hz at {seconds}: {left:?}"
        );
        ensure!(
            right[1] > 0.04 && right[0] < 0.01,
            "880 Hz at {seconds}: {right:?}"
        );
    }
    let centre = watched.tone(0, 1.5, 1320.0);
    ensure!(centre.iter().all(|level| *level > 0.03), "{centre:?}");
    Ok(())
}

fn chapters(watched: &Watched) -> Result<()> {
    lasts(watched, 10.0)?;
    let vtt = manifests::chapters::vtt(&watched.plan).unwrap();
    let blocks: Vec<&str> = vtt.split("\n\n").skip(1).collect();
    let starts: Vec<&str> = blocks.iter().filter_map(|block| block.get(6..8)).collect();
    ensure!(starts == ["00", "03", "06"], "{vtt}");
    let is_cue = |block: &&str| {
        let lines: Vec<&str> = block.trim_end().lines().collect();
        lines.len() == 2
            && lines[0].contains(" --> ")
            && !lines[1].contains("-->")
            && !lines[1].is_empty()
    };
    ensure!(blocks.iter().all(is_cue), "{vtt}");
    Ok(())
}

fn mp2_stereo_mono(watched: &Watched) -> Result<()> {
    hears(watched, 1.5, 440.0, 880.0)?;
    hears(watched, 4.5, 660.0, 660.0)
}

fn aac_48_32k(watched: &Watched) -> Result<()> {
    lasts(watched, 6.0)?;
    [1.5, 2.8, 3.3, 4.5]
        .into_iter()
        .try_for_each(|at| hears(watched, at, 440.0, 440.0))
}

/// FFmpeg also shows a picture as late as it is decoded.
fn mpeg4_b(watched: &Watched) -> Result<()> {
    let (flashes, beeps) = watched.marks();
    ensure!(
        flashes.len() == 3 && beeps.len() == 3,
        "{flashes:?} {beeps:?}"
    );
    let late: Vec<f64> = flashes
        .iter()
        .zip(&beeps)
        .map(|(flash, beep)| flash - beep)
        .collect();
    ensure!(
        late.iter().all(|late| (late - 0.04).abs() <= 0.025),
        "{late:?}"
    );
    Ok(())
}

fn chained(watched: &Watched) -> Result<()> {
    lasts(watched, 10.0)?;
    hears(watched, 2.5, 440.0, 440.0)?;
    hears(watched, 7.5, 880.0, 880.0)
}

/// Checks that the transparent surroundings of something green are black.
pub fn green_on_black(watched: &Watched) -> Result<()> {
    let (middle, edge) = (
        watched.color(1.0, (0.5, 0.5)),
        watched.color(1.0, (0.05, 0.05)),
    );
    ensure!(
        name(middle) == "green" && edge.iter().all(|level| *level < 16),
        "{middle:?} {edge:?}"
    );
    Ok(())
}

//! Every file of the corpus: its outcome, the probe's results, the plan's times and sizes, and segments of at most
//! ten seconds of it. `FILES=hdr,gap` selects the files whose names contain one of these words, `WHOLE=1` makes all
//! segments.

mod facts;
mod looks;

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::Path;
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use bytes::Bytes;
use plan::{Code, Plan, Policy, RenditionId};
use serde_json::Value;

use crate::support::corpus::corpus;
use crate::support::{Engine, whole};

/// Number of segments of each file that are also made alone, where not all are.
const ALONE: usize = 3;
/// Number of files that are checked at the same time.
const AT_ONCE: usize = 2;

type Segments = BTreeMap<(RenditionId, u32), Bytes>;

/// The corpus's name of a code.
fn reason(code: Code) -> &'static str {
    match code {
        Code::Encrypted => "unsupported_codec",
        code if code.as_str().starts_with("limit_") => "limits",
        code => code.as_str(),
    }
}

#[test]
fn every_file_of_the_corpus_comes_out_as_expected() {
    let folder = corpus();
    let text = std::fs::read_to_string(folder.join("corpus.json")).unwrap();
    let rows: Vec<Value> = serde_json::from_str(&text).unwrap();
    let asked = std::env::var("FILES").unwrap_or_default();
    let is_asked = |row: &&Value| asked.split(',').any(|part| name(row).contains(part));
    let rows: Vec<&Value> = rows.iter().filter(is_asked).collect();
    assert!(
        !rows.is_empty(),
        "no file of the corpus has {asked:?} in its name"
    );
    // An order keeps both cores busy for only a part of its time.
    let (next, wrong) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let check_next = || {
        while let Some(row) = rows.get(next.fetch_add(1, Ordering::Relaxed)) {
            let name = name(row);
            let is_damaged = row["group"] == "damage";
            let began = Instant::now();
            let outcome = check(&folder.join(name), &row["expected"], is_damaged);
            let took = began.elapsed();
            match outcome {
                Ok(outcome) => eprintln!("{name:42} {outcome}, {took:.1?}"),
                Err(problems) => {
                    let problems = problems.join("; ");
                    eprintln!("{name:42} WRONG: {problems}");
                    wrong.lock().unwrap().push(format!("{name}: {problems}"));
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
}

fn name(row: &Value) -> &str {
    row["name"].as_str().unwrap()
}

/// Outcomes that are right, as `ready`, `ready_partial` or `rejected:REASON`.
fn right_outcomes(expected: &Value) -> Vec<String> {
    let outcome = expected["outcome"].as_str().unwrap();
    let first = match expected["reason"].as_str() {
        Some(reason) => format!("{outcome}:{reason}"),
        None => outcome.to_owned(),
    };
    let also = expected["also_ok"].as_array().into_iter().flatten();
    let also = also.map(|outcome| outcome.as_str().unwrap().to_owned());
    [first].into_iter().chain(also).collect()
}

fn check(path: &Path, expected: &Value, is_damaged: bool) -> Result<String, Vec<String>> {
    let right = right_outcomes(expected);
    let mut engine = Engine::start(path, 2);
    let planned = engine
        .probe()
        .map_err(|failure| failure.code)
        .and_then(|info| {
            let plan = plan::make_plan(&info, &Policy::default());
            plan.map(|plan| (info, plan))
                .map_err(|rejection| rejection.code)
        });
    let is_right = |outcome: &str, is_rejected: bool| {
        let is_it = |known: &String| *known == outcome || known == "rejected:*" && is_rejected;
        match right.iter().any(is_it) {
            true => Ok(()),
            false => Err(format!("{outcome}, not {}", right.join(" or "))),
        }
    };
    let (info, plan) = match planned {
        Ok(planned) => planned,
        Err(code) => {
            let outcome = format!("rejected:{}", reason(code));
            return is_right(&outcome, true)
                .map(|()| outcome)
                .map_err(|problem| vec![problem]);
        }
    };
    let mut problems = facts::compare(&info, &plan, expected);
    let mut is_partial = info.notes.iter().any(|note| note.code.is_damage());
    match encode(&mut engine, path, &plan, is_damaged) {
        Ok(damaged) => is_partial |= damaged,
        Err(problem) => problems.push(problem),
    }
    let outcome = match is_partial {
        true => "ready_partial",
        false => "ready",
    };
    problems.extend(is_right(outcome, false).err());
    if problems.is_empty() {
        let (segments, rungs) = (plan.segments(), plan.video.len());
        Ok(format!("{outcome}, {segments} segments, {rungs} rungs"))
    } else {
        Err(problems)
    }
}

/// Makes [`parts`] of a file and checks them; returns whether something in them was damaged.
fn encode(engine: &mut Engine, path: &Path, plan: &Plan, is_damaged: bool) -> Result<bool, String> {
    engine.plan(plan);
    let inits = engine.inits(plan.media_ids());
    let inits = inits.map_err(|failure| format!("{failure:?}"))?.inits;
    let ids: Vec<_> = plan.media_ids().collect();
    let (mut made, mut damaged) = (Segments::new(), Vec::new());
    for (ids, first, count) in parts(plan, is_damaged) {
        let part = engine.try_segments(&ids, first, count)?;
        made.extend(part.segments);
        damaged.extend(part.damaged);
    }
    for ((id, segment), bytes) in &made {
        within_cap(plan, *id, *segment, bytes.len())?;
    }
    if let Some(top) = plan.video.first() {
        let ours = [&inits[&top.id][..], &made[&(top.id, 0)]].concat();
        looks::compare(path, plan, &ours)?;
    }
    let again = match whole() {
        true => (0..plan.segments())
            .map(|segment| (ids.clone(), segment))
            .collect(),
        false => some_of(&made),
    };
    for (ids, segment) in again {
        for (id, again) in alone(path, plan, &ids, segment)? {
            let bytes = &made[&(id, segment)];
            // The decoded pictures of damaged data depend on what the decoder saw before.
            let is_same = match is_damaged {
                true => times(&inits[&id], &again) == times(&inits[&id], bytes),
                false => again == *bytes,
            };
            if !is_same {
                return Err(format!("{id} {segment} is another one alone"));
            }
        }
    }
    Ok(!damaged.is_empty())
}

/// Parts of a file that are made: renditions, the first segment, and the number of segments. With `WHOLE=1` these are
/// all segments; otherwise all renditions of the start, and the top and the lowest rung with the sound of the second
/// and the last segment.
fn parts(plan: &Plan, is_damaged: bool) -> Vec<(Vec<RenditionId>, u32, u32)> {
    let ids: Vec<_> = plan.media_ids().collect();
    let ends = [plan.video.first(), plan.video.last()];
    let ends = ends.into_iter().flatten().map(|video| video.id);
    let mut some: Vec<_> = ends
        .chain(plan.audio.iter().map(|audio| audio.id))
        .collect();
    some.dedup();
    let segments = plan.segments();
    let (start, then) = match is_damaged {
        _ if whole() => (segments, segments),
        // The places of damage are known only for the start.
        true => (4, 4),
        false => (1, 2),
    };
    let mut parts = vec![(ids, 0, start.min(segments))];
    if start < then.min(segments) {
        parts.push((some.clone(), start, then.min(segments) - start));
    }
    if then < segments {
        parts.push((some, segments - 1, 1));
    }
    parts
}

fn within_cap(plan: &Plan, id: RenditionId, segment: u32, bytes: usize) -> Result<(), String> {
    let (start, end) = plan.timeline.segment_frames(segment);
    let allowed = match (plan.video_rendition(id), plan.audio_rendition(id)) {
        (Some(video), _) => video.allowed_bytes(end - start, plan.timeline.rate) as f64,
        (_, Some(audio)) => {
            let seconds = plan.timeline.frame_us(end - start) as f64 / 1e6;
            f64::from(audio.bound_bits_per_second) * seconds / 8.0
        }
        _ => return Err(format!("{id} is not in the plan")),
    };
    match bytes as f64 > allowed {
        true => Err(format!("{id} {segment}: {bytes} bytes exceed {allowed}")),
        false => Ok(()),
    }
}

/// Some of the segments except the first, in an order that is the same in each run.
fn some_of(made: &Segments) -> Vec<(Vec<RenditionId>, u32)> {
    let later = made.keys().filter(|(_, segment)| *segment > 0);
    let mut later: Vec<_> = later.copied().collect();
    later.sort_by_key(|(id, segment)| {
        let mut hasher = DefaultHasher::new();
        (id.to_string(), segment).hash(&mut hasher);
        hasher.finish()
    });
    later.truncate(ALONE);
    let alone = |(id, segment)| (vec![id], segment);
    later.into_iter().map(alone).collect()
}

/// Makes a segment of these renditions in a session of its own with one thread.
fn alone(
    path: &Path,
    plan: &Plan,
    ids: &[RenditionId],
    segment: u32,
) -> Result<BTreeMap<RenditionId, Bytes>, String> {
    let mut engine = Engine::start(path, 1);
    engine.plan(plan);
    let made = engine.try_segments(ids, segment, 1)?.segments;
    assert_eq!(made.len(), ids.len());
    Ok(made
        .into_iter()
        .map(|((id, _), bytes)| (id, bytes))
        .collect())
}

/// Times and durations at which each picture or sound frame of a segment is shown.
fn times(init: &[u8], segment: &[u8]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("segment.mp4");
    std::fs::write(&path, [init, segment].concat()).unwrap();
    let output = Command::new("ffprobe")
        .args([
            "-v",
            "error",
            "-show_entries",
            "packet=pts,duration",
            "-of",
            "csv",
        ])
        .arg(&path)
        .output()
        .unwrap();
    assert!(output.status.success(), "ffprobe reads what we wrote");
    let times = String::from_utf8(output.stdout).unwrap();
    assert!(!times.is_empty(), "a segment has pictures or sound");
    times
}

//! Every file of the corpus: its outcome, what the probe says of it, the plan's times and sizes,
//! and segments of at most ten seconds of it. Where there is no corpus, there is nothing to check.
//! `FILES=hdr,gap` asks only for names that contain one of these.

mod facts;
#[path = "../support/mod.rs"]
mod support;

use std::path::{Path, PathBuf};

use plan::{Code, Plan, Policy};
use serde_json::Value;
use support::Engine;

fn corpus() -> Option<PathBuf> {
    let named = std::env::var_os("REELMILL_CORPUS").map(PathBuf::from);
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/media");
    named
        .or(Some(beside))
        .filter(|folder| folder.join("corpus.json").is_file())
}

/// What the corpus calls a code.
fn reason(code: Code) -> &'static str {
    match code {
        Code::Encrypted => "unsupported_codec",
        code if code.as_str().starts_with("limit_") => "limits",
        code => code.as_str(),
    }
}

#[test]
fn every_file_comes_out_as_expected() {
    let Some(folder) = corpus() else {
        eprintln!("no corpus here: nothing to check");
        return;
    };
    let text = std::fs::read_to_string(folder.join("corpus.json")).unwrap();
    let rows: Vec<Value> = serde_json::from_str(&text).unwrap();
    let asked = std::env::var("FILES").unwrap_or_default();
    let is_asked = |name: &str| asked.split(',').any(|part| name.contains(part));
    let mut wrong = Vec::new();
    for row in &rows {
        let name = row["name"].as_str().unwrap();
        if !is_asked(name) {
            continue;
        }
        match check(&folder.join(name), &row["expected"]) {
            Ok(outcome) => eprintln!("{name:42} {outcome}"),
            Err(problems) => {
                let problems = problems.join("; ");
                eprintln!("{name:42} WRONG: {problems}");
                wrong.push(format!("{name}: {problems}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// The outcomes that are right, as `ready`, `ready_partial` or `rejected:REASON`.
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

fn check(path: &Path, expected: &Value) -> Result<String, Vec<String>> {
    let right = right_outcomes(expected);
    let mut engine = Engine::start(path, 2);
    let planned = engine
        .probe()
        .map_err(|failure| failure.code)
        .and_then(|info| {
            let plan = plan::plan(&info, &Policy::default());
            plan.map(|plan| (info, plan))
                .map_err(|rejection| rejection.code)
        });
    let (outcome, planned) = match planned {
        Err(code) => (format!("rejected:{}", reason(code)), None),
        Ok(planned) if planned.0.warnings.is_empty() => ("ready".to_owned(), Some(planned)),
        Ok(planned) => ("ready_partial".to_owned(), Some(planned)),
    };
    let is_right = |known: &String| *known == outcome || known == "rejected:*" && planned.is_none();
    if !right.iter().any(is_right) {
        return Err(vec![format!("{outcome}, not {}", right.join(" or "))]);
    }
    let Some((info, plan)) = planned else {
        return Ok(outcome);
    };
    let mut problems = facts::compare(&info, &plan, expected);
    problems.extend(encode(&mut engine, &plan).err());
    if problems.is_empty() {
        let (segments, rungs) = (plan.segments(), plan.video.len());
        Ok(format!("{outcome}, {segments} segments, {rungs} rungs"))
    } else {
        Err(problems)
    }
}

/// At most ten seconds: the start, and the last segment.
fn encode(engine: &mut Engine, plan: &Plan) -> Result<(), String> {
    engine.plan(plan);
    let ids: Vec<_> = plan.media_ids().collect();
    let count = plan.segments().min(4);
    let mut made = engine.try_segments(&ids, 0, count)?.segments;
    let last = plan.segments() - 1;
    if last >= count {
        made.extend(engine.try_segments(&ids, last, 1)?.segments);
    }
    for ((id, segment), bytes) in &made {
        let (start, end) = plan.timeline.segment_frames(*segment);
        let seconds = plan.timeline.frame_us(end - start) as f64 / 1e6;
        let cap = match (plan.video_rendition(*id), plan.audio_rendition(*id)) {
            (Some(video), _) => video.cap_bits_per_second as f64,
            (_, Some(audio)) => f64::from(audio.bound_bits_per_second),
            _ => return Err(format!("{id} is not in the plan")),
        };
        let bits = bytes.len() as f64 * 8.0;
        if bits > cap * seconds {
            return Err(format!(
                "{id} {segment}: {bits} bits in {seconds} s exceed {cap}"
            ));
        }
    }
    Ok(())
}

//! Every file of the corpus that is asked for so far: its outcome, its times, its size, and
//! segments of at most ten seconds of it. Where there is no corpus, there is nothing to check.

mod support;

use std::path::{Path, PathBuf};

use plan::{Code, MediaInfo, Plan, Policy};
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
fn every_corpus_file_asked_for_comes_out_as_expected() {
    let Some(folder) = corpus() else {
        eprintln!("no corpus here: nothing to check");
        return;
    };
    let text = std::fs::read_to_string(folder.join("corpus.json")).unwrap();
    let rows: Vec<Value> = serde_json::from_str(&text).unwrap();
    let (mut wrong, mut later) = (Vec::new(), Vec::new());
    for row in &rows {
        let name = row["name"].as_str().unwrap();
        let expected = &row["expected"];
        let asked = matches!(row["group"].as_str(), Some("everyday" | "plain"))
            || expected["outcome"] == "rejected";
        if !asked {
            later.push(name);
            continue;
        }
        let outcome = check(&folder.join(name), expected);
        eprintln!(
            "{name:42} {}",
            outcome.as_deref().unwrap_or_else(|wrong| wrong)
        );
        if let Err(problem) = outcome {
            wrong.push(format!("{name}: {problem}"));
        }
    }
    eprintln!("not yet asked for ({}): {}", later.len(), later.join(", "));
    assert!(wrong.is_empty(), "{wrong:#?}");
}

fn check(path: &Path, expected: &Value) -> Result<String, String> {
    let mut engine = Engine::start(path, 2);
    let planned = engine
        .probe()
        .map_err(|failure| failure.code)
        .and_then(|info| {
            let plan = plan::plan(&info, &Policy::default());
            plan.map(|plan| (info, plan))
                .map_err(|rejection| rejection.code)
        });
    match planned {
        Err(code) => {
            let outcome = format!("rejected:{}", reason(code));
            let wanted = format!("rejected:{}", expected["reason"].as_str().unwrap_or("-"));
            let also = expected["also_ok"].as_array().cloned().unwrap_or_default();
            let right = expected["outcome"] == "rejected" && outcome == wanted
                || also.iter().any(|ok| *ok == *outcome || *ok == "rejected:*");
            if right {
                Ok(format!("{outcome} ({code})"))
            } else {
                Err(format!("{outcome}, not {wanted}"))
            }
        }
        Ok((info, plan)) => {
            let also = expected["also_ok"].as_array().cloned().unwrap_or_default();
            if expected["outcome"] == "rejected" {
                let allowed = also.iter().any(|ok| ok == "ready");
                return if allowed {
                    Ok("ready (allowed)".into())
                } else {
                    Err("was accepted".into())
                };
            }
            facts(&info, &plan, expected)?;
            encode(&mut engine, &plan)?;
            Ok(format!(
                "ready, {} segments, {} rungs",
                plan.segments(),
                plan.video.len()
            ))
        }
    }
}

fn facts(info: &MediaInfo, plan: &Plan, expected: &Value) -> Result<(), String> {
    const TOLERANCE_S: f64 = 0.1;
    const SYNCHRONISM_S: f64 = 0.045;
    let frame = plan.timeline.rate.den() as f64 / plan.timeline.rate.num() as f64;
    let near = |what: &str, got: f64, tolerance: f64| match expected[what].as_f64() {
        Some(wanted) if (got - wanted).abs() > tolerance => {
            Err(format!("{what} is {got:.3}, not {wanted:.3}"))
        }
        _ => Ok(()),
    };
    let seconds = |us: i64| us as f64 / 1e6;
    near(
        "duration_s",
        seconds(plan.timeline.duration_us()),
        TOLERANCE_S + frame,
    )?;
    if let Some((start, length)) = plan.content.video {
        near("video_start_s", seconds(start), SYNCHRONISM_S)?;
        near("video_s", seconds(length), TOLERANCE_S + frame)?;
    }
    if let Some(&(start, length)) = plan.content.audio.first() {
        near("audio_start_s", seconds(start), SYNCHRONISM_S)?;
        near("audio_s", seconds(length), TOLERANCE_S)?;
    }
    if let Some(video) = &info.video {
        near("coded_width", f64::from(video.coded_width), 0.5)?;
        near("coded_height", f64::from(video.coded_height), 0.5)?;
        near("fps", video.frame_rate.as_f64(), 0.01)?;
        near("frames", video.frames.map_or(f64::NAN, |n| n as f64), 0.5)?;
        if expected["vfr"] == video.constant_rate {
            return Err(format!("constant rate: {}", video.constant_rate));
        }
        let size = plan.video[0].size();
        near("display_width", f64::from(size.width), 1.0)?;
        near("display_height", f64::from(size.height), 1.0)?;
    }
    let tracks = expected["audio_tracks"].as_array().map_or(0, Vec::len);
    if tracks != info.audio.len() {
        return Err(format!("{} sound tracks, not {tracks}", info.audio.len()));
    }
    Ok(())
}

/// At most ten seconds: the start, and the last segment.
fn encode(engine: &mut Engine, plan: &Plan) -> Result<(), String> {
    engine.plan(plan);
    let ids: Vec<_> = plan.media_ids().collect();
    let count = plan.segments().min(4);
    let mut made = engine.segments(&ids, 0, count).segments;
    let last = plan.segments() - 1;
    if last >= count {
        made.extend(engine.segments(&ids, last, 1).segments);
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

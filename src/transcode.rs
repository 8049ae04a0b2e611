//! `reelmill transcode`: encodes one file into a folder that any web server can serve.
//!
//! The command runs the same pipeline as the server, over local stores whose files lie where the URLs say.
//! `identity.rs` keeps two sources out of one folder, `publish.rs` writes playlists and manifests when everything is
//! encoded, and `sweep.rs` deletes the files of renditions that the final plan does not have.

mod identity;
mod publish;
mod sweep;

use std::io::IsTerminal;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use indicatif::{ProgressBar, ProgressStyle};
use pipeline::{Config, Pipeline};
use plan::{Code, Policy, RenditionKey, VideoId};
use serde_json::{Value, json};
use store::local::Local;
use store::metadata::{PageRequest, State, VideoRow};
use store::{Layout, Received, Stores, SystemClock};
use transcoder::Engine;

use crate::cli::Transcode;
use identity::{Claim, Identity};

/// Exit code when the folder holds the result of another source or of other options.
const FOREIGN_FOLDER: u8 = 3;

/// Failure of the command: a sentence for people, a stable code for programs, and the exit code.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
struct Failed {
    code: String,
    message: String,
    exit: u8,
}

/// Runs the command and returns its exit code.
pub fn run(arguments: &Transcode) -> ExitCode {
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => return report(arguments, Err(error.into())),
    };
    report(arguments, runtime.block_on(transcode(arguments)))
}

/// Prints the outcome, as JSON if the arguments ask for that, and returns the exit code.
fn report(arguments: &Transcode, outcome: Result<Value>) -> ExitCode {
    match outcome {
        Ok(summary) => {
            if arguments.json {
                println!("{summary}");
            }
            ExitCode::SUCCESS
        }
        Err(error) => {
            let known = error.downcast_ref::<Failed>();
            let code = known.map_or("internal", |failed| failed.code.as_str());
            if arguments.json {
                let message = format!("{error:#}");
                println!(
                    "{}",
                    json!({ "error": { "code": code, "message": message } })
                );
            }
            eprintln!("reelmill: {error:#} ({code})");
            ExitCode::from(known.map_or(1, |failed| failed.exit))
        }
    }
}

/// Encodes the file and writes the presentation; returns the summary.
async fn transcode(arguments: &Transcode) -> Result<Value> {
    let began = Instant::now();
    let policy = Policy {
        effort: arguments.policy,
        segment_seconds: arguments.segment_seconds,
        per_title: arguments.per_title,
        loudness_lufs: arguments.loudness_lufs,
        passthrough: arguments.passthrough,
        ..Policy::default()
    };
    let identity = Identity::of(&arguments.input, &policy).map_err(|error| Failed {
        code: "source_unreachable".to_owned(),
        message: format!("cannot read {}: {error}", arguments.input.display()),
        exit: 1,
    })?;
    let output = arguments.output.display();
    let refused = match identity.claim(&arguments.output, arguments.force)? {
        Claim::Ours => None,
        Claim::Foreign => Some(format!(
            "{output} holds the result of another source or of other options; use --force to delete it, or choose \
             another folder"
        )),
        Claim::NotOurs => Some(format!(
            "{output} holds files that reelmill did not write; choose another folder"
        )),
    };
    if let Some(message) = refused {
        return Err(Failed {
            code: "foreign_folder".into(),
            message,
            exit: FOREIGN_FOLDER,
        }
        .into());
    }
    let clock = Arc::new(SystemClock::new());
    let stores = Local::open(&arguments.output, Layout::Presentation, clock)?;
    let input = std::fs::canonicalize(&arguments.input)?;
    let config = Config {
        policy,
        // The pipeline gives one session at most half of the memory. This command runs one session at a time, which may
        // use all of what the argument allows.
        memory_bytes: arguments.memory.0.saturating_mul(2),
        source_file: Some(input),
        viewers: false,
        lull: Duration::ZERO,
        ..Config::default()
    };
    let known = stores
        .metadata
        .videos()
        .list(None, &PageRequest::first(1))
        .await?
        .items;
    let pipeline = Pipeline::start(stores.clone(), Engine::beside_current()?, config).await?;
    let video = match known.first() {
        Some(row) => {
            // Running the command again retries a failed video: its cause, such as a full disk, may be gone.
            if row.state == State::Failed {
                pipeline.videos().retry(row.id).await?;
            }
            row.id
        }
        None => {
            let title = arguments
                .input
                .file_stem()
                .unwrap_or_default()
                .to_string_lossy();
            pipeline
                .uploads()
                .begin_in_place(stores.ids.owner(), title.into_owned())
                .await?
                .id
        }
    };
    let waited = wait_until_ready(&pipeline, &stores, video).await;
    pipeline.stop().await;
    let row = waited?;
    let plan = pipeline
        .videos()
        .plan_of(&row)
        .await?
        .context("the video is ready but has no plan")?;
    let mut texts = Vec::new();
    for text in plan.texts() {
        let rendition = text.id;
        let cues = pipeline
            .playback()
            .cues(RenditionKey { video, rendition })
            .await?;
        texts.push((rendition, cues));
    }
    let summary = summary(&row, &plan, began.elapsed().as_secs_f64());
    publish::publish(&arguments.output, &row, &plan, &texts, &summary)?;
    sweep::sweep(&*stores.objects, video, &plan).await?;
    Ok(summary)
}

/// Waits until the video is ready, and shows its progress on a terminal.
///
/// # Errors
/// `Failed`, with the video's code, if the video fails.
async fn wait_until_ready(
    pipeline: &Pipeline,
    stores: &Stores,
    video: VideoId,
) -> Result<VideoRow> {
    let mut events = stores.events.subscribe().await?;
    let bar = if std::io::stderr().is_terminal() {
        ProgressBar::new(0)
    } else {
        ProgressBar::hidden()
    };
    if let Ok(style) = ProgressStyle::with_template("{bar:40} {pos}/{len} segments, {eta} left") {
        bar.set_style(style);
    }
    loop {
        let row = pipeline
            .videos()
            .get(video)
            .await?
            .context("the video was deleted while it was encoded")?;
        let progress = pipeline.videos().progress(&row).await?;
        bar.set_length(progress.total);
        bar.set_position(progress.made);
        match (row.state, &row.error) {
            (State::Ready, _) => {
                bar.finish_and_clear();
                return Ok(row);
            }
            (State::Failed, Some(error)) => {
                bar.finish_and_clear();
                let message = match error.code {
                    // Segments that are encoded stay in the folder; the next run continues with the others.
                    Code::NoSpace => {
                        "No space is left on the disk: free some, and run the same command again"
                            .to_owned()
                    }
                    _ => error.message.clone(),
                };
                let code = error.code.to_string();
                return Err(Failed {
                    code,
                    message,
                    exit: 1,
                }
                .into());
            }
            _ => {}
        }
        if events.next().await == Received::Closed {
            anyhow::bail!("the stores were closed before the video was ready");
        }
    }
}

/// Summary of the result as JSON, for `report.json` and `--json`; `wall_s` is the time that the command took.
fn summary(row: &VideoRow, plan: &plan::Plan, wall_s: f64) -> Value {
    let renditions: Vec<Value> = plan
        .media_ids()
        .map(|id| {
            json!({
                "id": id.to_string(),
                "average_bits_per_second": row.average_bandwidth.get(&id),
            })
        })
        .collect();
    json!({
        "state": row.state.as_str(),
        "duration_s": plan.timeline.duration_us() as f64 / 1e6,
        "wall_s": wall_s,
        "renditions": renditions,
        "notes": row.notes,
    })
}

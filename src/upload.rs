//! `reelmill upload`: files to a running server.

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use crate::cli::Upload;
use crate::client::{Answer, Client};

/// Pauses between two questions to the server about its progress: the first one, and the longest.
const AGAIN: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(2));
/// How often an uploader who waits is told what the server is doing.
const LONG: Duration = Duration::from_secs(30);

/// Uploads one after the other. What is wrong with one does not keep the others from it.
pub fn run(arguments: &Upload) -> Result<()> {
    let client = Client::new(&arguments.server)?;
    // A server refuses a token in the middle of a body, which looks as if it had gone away.
    accepted(client.get("/api/v1/videos?limit=1")?)?;
    let mut failed = 0;
    for path in &arguments.files {
        match upload(arguments, path, &client) {
            Ok(video) if arguments.json => println!("{video}"),
            Ok(video) => println!("{}", video["watch"].as_str().unwrap_or_default()),
            Err(error) => {
                failed += 1;
                eprintln!("reelmill: {}: {error:#}", path.display());
            }
        }
    }
    let all = arguments.files.len();
    ensure!(failed == 0, "{failed} of {all} did not become videos");
    Ok(())
}

/// A video that plays, or is ready.
fn upload(arguments: &Upload, path: &Path, client: &Client) -> Result<Value> {
    let (source, length) = open(path)?;
    let stem = path.file_stem().filter(|_| length.is_some());
    let stem = stem.unwrap_or_default().to_string_lossy();
    let title = arguments.title.as_deref().unwrap_or(&stem);
    let created = accepted(client.upload(title, source, length)?)?;
    let id = created["id"].as_str().context("an answer without an id")?;
    let (mut again, mut told) = (AGAIN.0, Instant::now());
    loop {
        let video = accepted(client.get(&format!("/api/v1/videos/{id}"))?)?;
        match video["state"].as_str() {
            Some("ready") => return Ok(video),
            Some("playable") if !arguments.wait => return Ok(video),
            Some("failed") => {
                let said =
                    |part: &str| video["error"][part].as_str().unwrap_or_default().to_owned();
                bail!("{} ({})", said("message"), said("code"));
            }
            state => {
                if told.elapsed() >= LONG {
                    told = Instant::now();
                    let (path, far) = (path.display(), how_far(state, &video));
                    crate::server::say(format_args!("reelmill: {path}: {far}"));
                }
                std::thread::sleep(again);
                again = (again * 5 / 4).min(AGAIN.1);
            }
        }
    }
}

/// A sentence about the progress of an upload, for an uploader who has waited for long.
fn how_far(state: Option<&str>, video: &Value) -> String {
    let count = |part: &str| video["progress"][part].as_u64().unwrap_or_default();
    match (state, count("total")) {
        (Some("playable"), total @ 1..) => {
            format!("plays; {} % of it is encoded", count("made") * 100 / total)
        }
        (Some("probing"), _) => "the server looks at it".to_owned(),
        _ => "the server has it, and has not come to it yet".to_owned(),
    }
}

/// What is to be sent, and its length where that is known.
fn open(path: &Path) -> Result<(Box<dyn Read>, Option<u64>)> {
    if path == Path::new("-") {
        return Ok((Box::new(std::io::stdin()), None));
    }
    let file = File::open(path).context("cannot be read")?;
    let metadata = file.metadata()?;
    ensure!(!metadata.is_dir(), "a folder; name the files in it");
    // A pipe has no length.
    let length = metadata.is_file().then_some(metadata.len());
    Ok((Box::new(file), length))
}

/// What the server says, where it does not refuse.
fn accepted(answer: Answer) -> Result<Value> {
    match answer.status {
        200..300 => Ok(answer.body),
        _ => bail!("{}", answer.refusal()),
    }
}

//! `reelmill upload`: sends files to a running server, waits until they play, and prints the links of their pages.

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use crate::cli::Upload;
use crate::client::{Answer, Client};

/// First and longest pause between two requests for the state of a video; the pause grows by a quarter each time.
const POLL_PAUSE: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(2));
/// Time after which somebody who waits is told what the server is doing, again and again.
const REPORT_EVERY: Duration = Duration::from_secs(30);

/// Uploads the files one after the other; a file that fails does not stop the others.
pub fn run(arguments: &Upload) -> Result<()> {
    let client = Client::new(&arguments.server)?;
    // This tests the token. A server that refuses it while a file is being sent closes the connection, and the client
    // would see only that.
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
    ensure!(failed == 0, "{failed} of {all} files did not become videos");
    Ok(())
}

/// Uploads one file and returns its video once it plays, or with `--wait` once it is ready.
fn upload(arguments: &Upload, path: &Path, client: &Client) -> Result<Value> {
    let (source, length) = open(path)?;
    let stem = path.file_stem().filter(|_| length.is_some());
    let stem = stem.unwrap_or_default().to_string_lossy();
    let title = arguments.title.as_deref().unwrap_or(&stem);
    let created = accepted(client.upload(title, source, length)?)?;
    let id = created["id"]
        .as_str()
        .context("the server's answer has no id")?;
    let (mut pause, mut reported) = (POLL_PAUSE.0, Instant::now());
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
                if reported.elapsed() >= REPORT_EVERY {
                    reported = Instant::now();
                    let (path, progress) = (path.display(), describe_progress(state, &video));
                    crate::server::print_line(format_args!("reelmill: {path}: {progress}"));
                }
                std::thread::sleep(pause);
                pause = (pause * 5 / 4).min(POLL_PAUSE.1);
            }
        }
    }
}

/// Describes the progress of an uploaded video, for somebody who has waited for long.
fn describe_progress(state: Option<&str>, video: &Value) -> String {
    let count = |part: &str| video["progress"][part].as_u64().unwrap_or_default();
    match (state, count("total")) {
        (Some("playable"), total @ 1..) => {
            format!(
                "the video plays; {} % of it is encoded",
                count("made") * 100 / total
            )
        }
        (Some("probing"), _) => "the server is examining the file".to_owned(),
        _ => "the upload is complete; the file waits for the server to examine it".to_owned(),
    }
}

/// Opens a file, or standard input for `-`, and returns it with its length in bytes if that is known.
fn open(path: &Path) -> Result<(Box<dyn Read>, Option<u64>)> {
    if path == Path::new("-") {
        return Ok((Box::new(std::io::stdin()), None));
    }
    let file = File::open(path).context("the file cannot be read")?;
    let metadata = file.metadata()?;
    ensure!(
        !metadata.is_dir(),
        "this is a folder; name the files in it instead"
    );
    // Only a regular file has a length; a pipe has none.
    let length = metadata.is_file().then_some(metadata.len());
    Ok((Box::new(file), length))
}

/// Returns the body of a successful answer, and an error with the server's reason otherwise.
fn accepted(answer: Answer) -> Result<Value> {
    match answer.status {
        200..300 => Ok(answer.body),
        _ => bail!("{}", answer.refusal()),
    }
}

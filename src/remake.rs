//! `reelmill remake`: has a running server encode videos again that an older version encoded. It prints the space that
//! this needs, and asks before it starts.

use std::io::{BufRead, IsTerminal, Write};

use anyhow::{Context, Result, bail};

use crate::cli::Remake;
use crate::client::Client;

/// Video that an older version encoded, and that can be encoded again.
struct Older {
    id: String,
    /// Estimated size of the new files in bytes.
    bytes: u64,
}

/// Finds the videos that can be encoded again, asks, and starts.
pub fn run(arguments: &Remake) -> Result<()> {
    let client = Client::new(&arguments.server)?;
    let ids = match arguments.all {
        true => list_all(&client)?,
        false => arguments.videos.clone(),
    };
    let mut older = Vec::new();
    for id in ids {
        match find_older(&client, &id, arguments.all)? {
            Some(video) => {
                println!("{}\tabout {}", video.id, size(video.bytes));
                older.push(video);
            }
            None if arguments.all => {}
            None => println!("{id}\tis up to date"),
        }
    }
    if older.is_empty() {
        eprintln!("No video needs to be encoded again.");
        return Ok(());
    }
    let bytes = older.iter().map(|video| video.bytes).sum();
    let count = match older.len() {
        1 => "1 video".to_owned(),
        count => format!("{count} videos"),
    };
    eprintln!(
        "Encoding {count} again needs about {} more for 30 days: the old files are kept that long.",
        size(bytes)
    );
    if !arguments.yes && !ask_user()? {
        eprintln!("Nothing was started. Use --yes to start without being asked.");
        return Ok(());
    }
    let mut refused = 0;
    for video in older {
        let answer = client.post(&format!("/api/v1/videos/{}/remake", video.id))?;
        if !matches!(answer.status, 200 | 202) {
            eprintln!("{}: {}", video.id, answer.refusal());
            refused += 1;
        }
    }
    if refused > 0 {
        bail!("{refused} of {count} cannot be encoded again");
    }
    eprintln!("The server encodes them when it has no other videos to encode.");
    Ok(())
}

/// Lists the ids of all videos that the token may change.
fn list_all(client: &Client) -> Result<Vec<String>> {
    let mut ids = Vec::new();
    let mut cursor = None::<String>;
    loop {
        let after = cursor.map_or(String::new(), |cursor| format!("&cursor={cursor}"));
        let page = client.get(&format!("/api/v1/videos?limit=100{after}"))?;
        if page.status != 200 {
            bail!("the videos cannot be listed: {}", page.refusal());
        }
        let videos = page.body["videos"]
            .as_array()
            .context("the server's answer has no list of videos")?;
        ids.extend(
            videos
                .iter()
                .filter_map(|video| video["id"].as_str())
                .map(str::to_owned),
        );
        match page.body["next"].as_str() {
            Some(next) => cursor = Some(next.to_owned()),
            None => return Ok(ids),
        }
    }
}

/// Asks the server whether a video can be encoded again; `None` means that it is up to date. With `is_any`, the video
/// comes from the list of all: then one that is not ready yet, or was deleted meanwhile, is passed over.
fn find_older(client: &Client, id: &str, is_any: bool) -> Result<Option<Older>> {
    let answer = client.get(&format!("/api/v1/videos/{id}/remake"))?;
    match (answer.status, answer.body["state"].as_str()) {
        (200, Some("older" | "failed")) => Ok(Some(Older {
            id: id.to_owned(),
            bytes: answer.body["bytes"].as_u64().unwrap_or(0),
        })),
        (200, Some("unready")) if !is_any => {
            bail!(
                "{id}: The video is not ready yet; it can be encoded again once it is. (not_ready)"
            )
        }
        (200, Some(_)) => Ok(None),
        (404, _) if is_any => Ok(None),
        _ => bail!("{id}: {}", answer.refusal()),
    }
}

/// Asks on the terminal whether to start; the answer is no if standard input is not a terminal.
fn ask_user() -> Result<bool> {
    let stdin = std::io::stdin();
    if !stdin.is_terminal() {
        return Ok(false);
    }
    eprint!("Encode again? [y/N] ");
    std::io::stderr().flush()?;
    let mut said = String::new();
    stdin.lock().read_line(&mut said)?;
    Ok(matches!(said.trim(), "y" | "Y" | "yes"))
}

/// Formats a number of bytes for people, in kB, MB or GB.
fn size(bytes: u64) -> String {
    match bytes {
        0..1_000_000 => format!("{} kB", bytes.div_ceil(1000)),
        1_000_000..1_000_000_000 => format!("{:.1} MB", bytes as f64 / 1e6),
        _ => format!("{:.1} GB", bytes as f64 / 1e9),
    }
}

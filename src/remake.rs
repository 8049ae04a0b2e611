//! `reelmill remake`: has videos of a running server made again as this version makes them.

use std::io::{BufRead, IsTerminal, Write};

use anyhow::{Context, Result, bail};

use crate::cli::Remake;
use crate::client::Client;

/// A video that an older version has made.
struct Older {
    id: String,
    /// About how many bytes it takes to make it again.
    bytes: u64,
}

pub fn run(arguments: &Remake) -> Result<()> {
    let client = Client::new(&arguments.server)?;
    let ids = match arguments.all {
        true => all(&client)?,
        false => arguments.videos.clone(),
    };
    let mut older = Vec::new();
    for id in ids {
        match look(&client, &id, arguments.all)? {
            Some(video) => {
                println!("{}\tabout {}", video.id, size(video.bytes));
                older.push(video);
            }
            None if arguments.all => {}
            None => println!("{id}\tnothing to make"),
        }
    }
    if older.is_empty() {
        eprintln!("Nothing is to be made again.");
        return Ok(());
    }
    let bytes = older.iter().map(|video| video.bytes).sum();
    let count = match older.len() {
        1 => "1 video".to_owned(),
        count => format!("{count} videos"),
    };
    eprintln!(
        "{count}: about {} more, for the 30 days for which the old files are kept too.",
        size(bytes)
    );
    if !arguments.yes && !is_wanted()? {
        eprintln!("Nothing is made again. With --yes it is.");
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
        bail!("{refused} of {count} cannot be made again");
    }
    eprintln!("They are encoded when the server has no other videos to encode.");
    Ok(())
}

/// All videos that the token's holder may touch.
fn all(client: &Client) -> Result<Vec<String>> {
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
            .context("an answer without videos")?;
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

/// A video, where there is something to make. Of all videos some are not ready yet, and some gone meanwhile.
fn look(client: &Client, id: &str, is_any: bool) -> Result<Option<Older>> {
    let answer = client.get(&format!("/api/v1/videos/{id}/remake"))?;
    match (answer.status, answer.body["state"].as_str()) {
        (200, Some("older" | "failed")) => Ok(Some(Older {
            id: id.to_owned(),
            bytes: answer.body["bytes"].as_u64().unwrap_or(0),
        })),
        (200, Some("unready")) if !is_any => {
            bail!("{id}: The video is not ready yet; it can be made again then. (not_ready)")
        }
        (200, Some(_)) => Ok(None),
        (404, _) if is_any => Ok(None),
        _ => bail!("{id}: {}", answer.refusal()),
    }
}

/// Asks, where there is somebody to ask.
fn is_wanted() -> Result<bool> {
    let stdin = std::io::stdin();
    if !stdin.is_terminal() {
        return Ok(false);
    }
    eprint!("Make them again? [y/N] ");
    std::io::stderr().flush()?;
    let mut said = String::new();
    stdin.lock().read_line(&mut said)?;
    Ok(matches!(said.trim(), "y" | "Y" | "yes"))
}

/// Bytes as people say them.
fn size(bytes: u64) -> String {
    match bytes {
        0..1_000_000 => format!("{} kB", bytes.div_ceil(1000)),
        1_000_000..1_000_000_000 => format!("{:.1} MB", bytes as f64 / 1e6),
        _ => format!("{:.1} GB", bytes as f64 / 1e9),
    }
}

//! `reelmill doctor`: whether this machine has what reelmill needs, one sentence each.

use std::net::TcpListener;
use std::path::Path;

use anyhow::{Result, bail};
use transcoder::Engine;

use crate::cli::Doctor;

/// Under this, an upload of an hour may not fit.
const LITTLE_SPACE: u64 = 5 << 30;

pub fn run(arguments: &Doctor) -> Result<()> {
    let checks = [port(arguments), disk(&arguments.data), engine()];
    let mut troubles = 0;
    for check in checks {
        match check {
            Ok(sentence) => println!("ok       {sentence}"),
            Err(sentence) => {
                troubles += 1;
                println!("trouble  {sentence}");
            }
        }
    }
    if troubles > 0 {
        bail!("{troubles} of these need you");
    }
    Ok(())
}

fn port(arguments: &Doctor) -> Result<String, String> {
    match TcpListener::bind(arguments.listen) {
        Ok(_) => Ok(format!("{} is free to listen on.", arguments.listen)),
        Err(error) => Err(format!(
            "{} cannot be listened on: {error}.",
            arguments.listen
        )),
    }
}

fn disk(data: &Path) -> Result<String, String> {
    let existing = data
        .ancestors()
        .find(|folder| folder.is_dir())
        .unwrap_or(Path::new("."));
    let existing = if existing.as_os_str().is_empty() {
        Path::new(".")
    } else {
        existing
    };
    let stats = nix::sys::statvfs::statvfs(existing)
        .map_err(|error| format!("{} cannot be looked at: {error}.", existing.display()))?;
    let free = stats.blocks_available() * stats.fragment_size();
    let sentence = format!("{} has {} GiB free.", existing.display(), free >> 30);
    if free < LITTLE_SPACE {
        Err(sentence)
    } else {
        Ok(sentence)
    }
}

fn engine() -> Result<String, String> {
    match Engine::beside_current() {
        Ok(_) => Ok("reelmill-engine is beside this program.".to_owned()),
        Err(error) => Err(format!("{error}.")),
    }
}

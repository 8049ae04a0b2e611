//! `reelmill doctor`: whether this machine has what reelmill needs, one sentence each.

use std::net::TcpListener;
use std::path::Path;

use anyhow::{Result, bail};
use plan::Code;
use transcoder::{Engine, EngineFailure, Trial};

use crate::cli::Doctor;
use crate::probe;

/// Under this, an upload of an hour may not fit.
const LITTLE_SPACE: u64 = 5 << 30;

pub fn run(arguments: &Doctor) -> Result<()> {
    let checks = [port(arguments), disk(&arguments.data), engine(), sandbox()];
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

/// The engine starts, with its media libraries, and says of an empty file that it is none.
fn engine() -> Result<String, String> {
    let answer = tokio::runtime::Runtime::new()
        .map_err(anyhow::Error::from)
        .and_then(|runtime| runtime.block_on(probe::probe(Path::new("/dev/null"))));
    let not_media = |error: &anyhow::Error| {
        let failure = error.downcast_ref::<EngineFailure>();
        failure.is_some_and(|failure| failure.code == Code::NotMedia)
    };
    match answer {
        Err(error) if !not_media(&error) => Err(format!("No engine can be run: {error:#}.")),
        _ => Ok("reelmill-engine runs, with its media libraries.".to_owned()),
    }
}

/// An engine tries what it must not be able to do.
fn sandbox() -> Result<String, String> {
    let trial = tokio::runtime::Runtime::new()
        .map_err(anyhow::Error::from)
        .and_then(|runtime| Ok(runtime.block_on(Engine::beside_current()?.trial())?))
        .map_err(|error| format!("The cage of engines cannot be tried: {error:#}."))?;
    let Trial { refused, gaps } = trial;
    let tried = refused + gaps.len();
    if gaps.is_empty() {
        Ok(format!(
            "An engine was refused all of {tried} things that it must not be able to do."
        ))
    } else {
        Err(format!(
            "An engine was refused {refused} of {tried} things that it must not be able to do: {}.",
            gaps.join("; ")
        ))
    }
}

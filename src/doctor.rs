//! `reelmill doctor`: checks whether this machine has what reelmill needs. Each check prints one sentence; the exit
//! code is 1 if a check fails.

use std::net::TcpListener;
use std::path::Path;

use anyhow::{Result, bail};
use plan::Code;
use transcoder::{Engine, EngineFailure, Trial};

use crate::cli::Doctor;
use crate::probe;

/// Free bytes below which the disk check fails: with less than 5 GiB, an upload of an hour may not fit.
const LITTLE_SPACE: u64 = 5 << 30;

/// Runs the checks and prints a sentence for each; an error if one of them fails.
pub fn run(arguments: &Doctor) -> Result<()> {
    let checks = [port(arguments), disk(&arguments.data), engine(), sandbox()];
    let mut failed = 0;
    for check in checks {
        match check {
            Ok(sentence) => println!("ok       {sentence}"),
            Err(sentence) => {
                failed += 1;
                println!("problem  {sentence}");
            }
        }
    }
    if failed > 0 {
        bail!("{failed} of these checks failed");
    }
    Ok(())
}

fn port(arguments: &Doctor) -> Result<String, String> {
    match TcpListener::bind(arguments.listen) {
        Ok(_) => Ok(format!("{} is free to listen on.", arguments.listen)),
        Err(error) => Err(format!(
            "{} cannot be listened on: {error}. Stop the program that uses it, or name another address by --listen.",
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
    let stats = nix::sys::statvfs::statvfs(existing).map_err(|error| {
        format!(
            "The free space of {} cannot be read: {error}.",
            existing.display()
        )
    })?;
    let free = stats.blocks_available() * stats.fragment_size();
    let sentence = format!("{} has {} GiB free.", existing.display(), free >> 30);
    if free < LITTLE_SPACE {
        let least = LITTLE_SPACE >> 30;
        Err(format!(
            "{sentence} Long uploads may not fit: free at least {least} GiB, or name another folder by --data."
        ))
    } else {
        Ok(sentence)
    }
}

/// Checks that the engine starts with its media libraries: it has to answer that an empty file is not media.
fn engine() -> Result<String, String> {
    let answer = tokio::runtime::Runtime::new()
        .map_err(anyhow::Error::from)
        .and_then(|runtime| runtime.block_on(probe::probe(Path::new("/dev/null"))));
    let not_media = |error: &anyhow::Error| {
        let failure = error.downcast_ref::<EngineFailure>();
        failure.is_some_and(|failure| failure.code == Code::NotMedia)
    };
    match answer {
        Err(error) if !not_media(&error) => {
            Err(format!("reelmill-engine cannot be run: {error:#}."))
        }
        _ => Ok("reelmill-engine runs, and finds its media libraries.".to_owned()),
    }
}

/// Checks the sandbox: an engine tries forbidden actions, and the kernel has to refuse all of them.
fn sandbox() -> Result<String, String> {
    let trial = tokio::runtime::Runtime::new()
        .map_err(anyhow::Error::from)
        .and_then(|runtime| Ok(runtime.block_on(Engine::beside_current()?.trial())?))
        .map_err(|error| format!("The sandbox of engines cannot be tested: {error:#}."))?;
    let Trial { refused, gaps } = trial;
    let tried = refused + gaps.len();
    if gaps.is_empty() {
        Ok(format!(
            "An engine was refused all {tried} forbidden actions that it tried: the sandbox works."
        ))
    } else {
        Err(format!(
            "An engine was refused {refused} of {tried} forbidden actions that it tried; the others are: {}.",
            gaps.join("; ")
        ))
    }
}

//! `reelmill probe`: prints what an engine finds in a file, or the plan for it, as JSON.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use plan::{Limits, MediaInfo, Policy};
use transcoder::{Budget, Engine, FileSource, Order, Session, SessionEvent};

use crate::cli::Probe;

/// Probes the file and prints the result.
pub fn run(arguments: &Probe) -> Result<()> {
    let info = tokio::runtime::Runtime::new()?.block_on(probe(&arguments.input))?;
    let json = if arguments.plan {
        serde_json::to_string_pretty(&plan::make_plan(&info, &Policy::default())?)?
    } else {
        serde_json::to_string_pretty(&info)?
    };
    println!("{json}");
    Ok(())
}

/// Has an engine probe a file, and returns what it found.
///
/// # Errors
/// An `EngineFailure` if the engine read the file and refused it; another error if the file or the engine could not be
/// opened.
pub async fn probe(input: &Path) -> Result<MediaInfo> {
    let opened =
        FileSource::open(input).with_context(|| format!("cannot read {}", input.display()));
    let (source, size) = opened?;
    let budget = Budget {
        encode_threads: 1,
        decode_threads: 1,
        memory_bytes: 1 << 30,
    };
    let engine = Engine::beside_current()?;
    let mut session = Session::open(&engine, Arc::new(source), size, budget, Limits::default())?;
    session.order(Order::Probe).await;
    loop {
        match session.next().await {
            SessionEvent::Probed(info) => return Ok(*info),
            SessionEvent::Failed(_, failure) => {
                return Err(failure).context(input.display().to_string());
            }
            SessionEvent::Ended(end) => bail!("the engine ended before it answered: {end:?}"),
            _ => {}
        }
    }
}

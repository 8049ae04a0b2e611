//! `reelmill probe`: what is in a file.

use std::sync::Arc;

use anyhow::{Context, Result, bail};
use plan::{Limits, Policy};
use transcoder::{Budget, Engine, FileSource, Order, Session, SessionEvent};

use crate::cli::Probe;

pub fn run(arguments: &Probe) -> Result<()> {
    tokio::runtime::Runtime::new()?.block_on(probe(arguments))
}

async fn probe(arguments: &Probe) -> Result<()> {
    let input = &arguments.input;
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
    let info = loop {
        match session.next().await {
            SessionEvent::Probed(info) => break info,
            SessionEvent::Failed(_, failure) => bail!("{}: {failure}", input.display()),
            SessionEvent::Ended(end) => bail!("the engine ended: {end:?}"),
            _ => {}
        }
    };
    let json = if arguments.plan {
        serde_json::to_string_pretty(&plan::plan(&info, &Policy::default())?)?
    } else {
        serde_json::to_string_pretty(&info)?
    };
    println!("{json}");
    Ok(())
}

//! `reelmill worker`: makes what origins ask for and everything else that is missing, one of any
//! number of processes.

use std::time::Duration;

use anyhow::Result;
use pipeline::Pipeline;

use crate::cli::Worker;
use crate::server::set;
use crate::settings::Settings;
use crate::{server, stores};

/// How long what is in hand may take to be finished: orchestrators give 30 s in all, and who asks
/// for our health may hold us up for ten.
const DRAIN: Duration = Duration::from_secs(15);

pub fn run(arguments: Worker) -> Result<()> {
    let mut settings = server::settings(arguments.config.as_deref())?;
    set(&mut settings.worker.listen, arguments.listen);
    arguments.making.set(&mut settings.pipeline);
    let settings = settings.check()?;
    tokio::runtime::Runtime::new()?.block_on(work(settings))
}

async fn work(settings: Settings) -> Result<()> {
    let engine = server::engine(&settings).await?;
    let stores = stores::cluster(&settings).await?;
    let listener = server::listen(settings.worker.listen).await?;
    let pipeline = Pipeline::worker(stores, engine, server::config(&settings)?);
    let listen = listener.local_addr()?;
    eprintln!("reelmill works; its health is on http://{listen}, and nothing else");
    origin::serve_health(listener, &pipeline, server::told_to_stop()?).await?;
    pipeline.drain(DRAIN).await;
    pipeline.stop().await;
    Ok(())
}

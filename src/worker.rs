//! `reelmill worker`: runs a worker of a cluster, which encodes the segments that viewers wait for and then everything
//! else that is missing. Any number of workers work together.

use std::time::Duration;

use anyhow::Result;
use pipeline::Pipeline;

use crate::cli::Worker;
use crate::server::override_with;
use crate::settings::Settings;
use crate::{server, stores};

/// Time that started segments may take to finish after the signal to stop. Orchestrators give 30 s in all, and open
/// connections for health checks may take 10 s of them.
const DRAIN: Duration = Duration::from_secs(15);

/// Runs a worker until it is told to stop.
pub fn run(arguments: Worker) -> Result<()> {
    let mut settings = server::settings(arguments.config.as_deref())?;
    override_with(&mut settings.worker.listen, arguments.listen);
    arguments.making.override_settings(&mut settings.pipeline);
    let settings = settings.check()?;
    tokio::runtime::Runtime::new()?.block_on(work(settings))
}

async fn work(settings: Settings) -> Result<()> {
    let engine = server::engine(&settings).await?;
    let stores = stores::cluster(&settings).await?;
    let listener = server::listen(settings.worker.listen).await?;
    let pipeline = Pipeline::worker(stores.clone(), engine, server::config(&settings)?);
    let listen = listener.local_addr()?;
    eprintln!("reelmill worker runs; health checks and metrics are at http://{listen}");
    origin::serve_health(listener, (&pipeline, &stores), server::stop_signal()?).await?;
    pipeline.drain(DRAIN).await;
    pipeline.stop().await;
    Ok(())
}

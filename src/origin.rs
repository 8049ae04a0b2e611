//! `reelmill origin`: takes uploads and serves viewers, one of any number of processes.

use anyhow::{Context, Result};
use pipeline::Pipeline;

use crate::cli::Origin;
use crate::settings::Settings;
use crate::{server, stores};

pub fn run(arguments: Origin) -> Result<()> {
    let mut settings = server::settings(arguments.config.as_deref())?;
    arguments.delivery.set(&mut settings.origin);
    let settings = settings.check()?;
    tokio::runtime::Runtime::new()?.block_on(serve(settings))
}

async fn serve(settings: Settings) -> Result<()> {
    let (stores, disk_cache) = stores::near(stores::cluster(&settings).await?, &settings).await?;
    let listener = server::listen(settings.origin.listen).await?;
    let watched = server::listen_for_metrics(&settings.origin).await?;
    let pipeline = Pipeline::origin(stores, server::config(&settings)?);
    let (mut app, _) = server::app(&pipeline, &listener, settings.origin).await?;
    app.disk_cache = disk_cache.clone();
    let bucket = settings.cluster.context("a cluster")?.objects.bucket;
    let listen = listener.local_addr()?;
    eprintln!("reelmill listens on http://{listen}, data in the bucket {bucket}");
    server::say_metrics(watched.as_ref())?;
    origin::serve(listener, watched, app, server::told_to_stop()?).await?;
    pipeline.stop().await;
    if let Some(cache) = disk_cache {
        cache.close().await;
    }
    Ok(())
}

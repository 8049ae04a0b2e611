//! `reelmill origin`: runs an origin of a cluster, which takes uploads and serves viewers. Any number of origins work
//! together; workers encode.

use anyhow::{Context, Result};
use pipeline::Pipeline;

use crate::cli::Origin;
use crate::settings::Settings;
use crate::{server, stores};

/// Runs an origin until it is told to stop.
pub fn run(arguments: Origin) -> Result<()> {
    let mut settings = server::settings(arguments.config.as_deref())?;
    arguments.delivery.override_settings(&mut settings.origin);
    let settings = settings.check()?;
    tokio::runtime::Runtime::new()?.block_on(serve(settings))
}

async fn serve(settings: Settings) -> Result<()> {
    let stores = stores::cluster(&settings).await?;
    let (stores, disk_cache) = stores::with_disk_cache(stores, &settings).await?;
    let listener = server::listen(settings.origin.listen).await?;
    let metrics_listener = server::listen_for_metrics(&settings.origin).await?;
    let pipeline = Pipeline::origin(stores.clone(), server::config(&settings)?);
    let (mut app, _) = server::app(&pipeline, &stores, &listener, settings.origin).await?;
    app.disk_cache = disk_cache.clone();
    let bucket = settings
        .cluster
        .context("the settings have no [cluster]")?
        .objects
        .bucket;
    let listen = listener.local_addr()?;
    eprintln!("reelmill listens on http://{listen}, data in the bucket {bucket}");
    server::print_metrics_url(metrics_listener.as_ref())?;
    origin::serve(listener, metrics_listener, app, server::stop_signal()?).await?;
    pipeline.stop().await;
    if let Some(cache) = disk_cache {
        cache.close().await;
    }
    Ok(())
}

//! `reelmill serve`: runs uploads, encoding, delivery and pages in one process, over the embedded stores or those of a
//! cluster.

use std::io::IsTerminal;

use accounts::tokens;
use anyhow::Result;
use pipeline::Pipeline;
use store::Stores;

use crate::cli::Serve;
use crate::server::{self, override_with};
use crate::settings::Settings;
use crate::{server_url, sign_in, stores};

/// Runs the server until it is told to stop.
pub fn run(arguments: Serve) -> Result<()> {
    let mut settings = server::settings(arguments.config.as_deref())?;
    override_with(&mut settings.data, arguments.data);
    arguments.delivery.override_settings(&mut settings.origin);
    arguments.making.override_settings(&mut settings.pipeline);
    let settings = settings.check()?;
    tokio::runtime::Runtime::new()?.block_on(serve(settings))
}

async fn serve(settings: Settings) -> Result<()> {
    let engine = server::engine(&settings).await?;
    let config = server::config(&settings)?;
    let (stores, place) = match &settings.cluster {
        Some(cluster) => {
            let stores = stores::cluster(&settings).await?;
            (stores, format!("the bucket {}", cluster.objects.bucket))
        }
        None => {
            let stores = stores::local(&settings.data)?;
            stores::warn_if_others_can_read(&settings.data);
            tokens::create_admin_token(&stores, &settings.data).await?;
            (stores, settings.data.display().to_string())
        }
    };
    let listener = server::listen(settings.origin.listen).await?;
    let metrics_listener = server::listen_for_metrics(&settings.origin).await?;
    let (cached_stores, disk_cache) = stores::with_disk_cache(stores.clone(), &settings).await?;
    // In a cluster, this process is an origin and a worker that talk to each other through the stores only.
    let pipelines = if settings.cluster.is_some() {
        let worker = Pipeline::worker(stores.clone(), engine, config.clone());
        vec![Pipeline::origin(cached_stores.clone(), config), worker]
    } else {
        vec![Pipeline::start(stores.clone(), engine, config).await?]
    };
    let (mut app, public_url) =
        server::app(&pipelines[0], &cached_stores, &listener, settings.origin).await?;
    app.disk_cache = disk_cache.clone();
    let listen = listener.local_addr()?;
    eprintln!("reelmill listens on http://{listen}, data in {place}");
    server::print_metrics_url(metrics_listener.as_ref())?;
    if settings.cluster.is_none() {
        server_url::record(&settings.data, &public_url)?;
    }
    print_sign_in(&stores, &public_url).await?;
    origin::serve(listener, metrics_listener, app, server::stop_signal()?).await?;
    for pipeline in pipelines {
        pipeline.stop().await;
    }
    if let Some(cache) = disk_cache {
        cache.close().await;
    }
    Ok(())
}

/// Prints a sign-in link to a terminal. Elsewhere, stderr may be a log file, which must not hold a secret: then it
/// prints how to get a link.
async fn print_sign_in(stores: &Stores, public_url: &str) -> Result<()> {
    if !std::io::stderr().is_terminal() {
        server::print_line("to sign in, run `reelmill sign-in` on this machine; it prints a link");
        return Ok(());
    }
    let link = sign_in::create_link(stores, public_url).await?;
    server::print_line(format_args!(
        "to sign in, open this link within ten minutes: {link}"
    ));
    Ok(())
}

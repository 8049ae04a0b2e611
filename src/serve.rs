//! `reelmill serve`: all roles in one process, over the embedded stores or a cluster's.

use std::io::IsTerminal;

use anyhow::Result;
use catalog::tokens;
use pipeline::Pipeline;
use store::Stores;

use crate::cli::Serve;
use crate::server::{self, set};
use crate::settings::Settings;
use crate::{reached, sign_in, stores};

pub fn run(arguments: Serve) -> Result<()> {
    let mut settings = server::settings(arguments.config.as_deref())?;
    set(&mut settings.data, arguments.data);
    arguments.delivery.set(&mut settings.origin);
    arguments.making.set(&mut settings.pipeline);
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
            stores::say_who_reads(&settings.data);
            tokens::first_start(&stores, &settings.data).await?;
            (stores, settings.data.display().to_string())
        }
    };
    let listener = server::listen(settings.origin.listen).await?;
    let watched = server::listen_for_metrics(&settings.origin).await?;
    let (near, disk_cache) = stores::near(stores.clone(), &settings).await?;
    // Of a cluster, it is an origin and a worker, which know no more of each other than others do.
    let pipelines = if settings.cluster.is_some() {
        let worker = Pipeline::worker(stores.clone(), engine, config.clone());
        vec![Pipeline::origin(near, config), worker]
    } else {
        vec![Pipeline::start(stores.clone(), engine, config).await?]
    };
    let (mut app, public_url) = server::app(&pipelines[0], &listener, settings.origin).await?;
    app.disk_cache = disk_cache.clone();
    let listen = listener.local_addr()?;
    eprintln!("reelmill listens on http://{listen}, data in {place}");
    server::say_metrics(watched.as_ref())?;
    if settings.cluster.is_none() {
        reached::note(&settings.data, &public_url)?;
    }
    greet(&stores, &public_url).await?;
    origin::serve(listener, watched, app, server::told_to_stop()?).await?;
    for pipeline in pipelines {
        pipeline.stop().await;
    }
    if let Some(cache) = disk_cache {
        cache.close().await;
    }
    Ok(())
}

/// The way in for who started the program: on a terminal only, never in a log file.
async fn greet(stores: &Stores, public_url: &str) -> Result<()> {
    if !std::io::stderr().is_terminal() {
        // No secret in a log.
        server::say("to sign in, run `reelmill sign-in` on this machine, which prints a link");
        return Ok(());
    }
    let link = sign_in::link(stores, public_url).await?;
    server::say(format_args!("sign in within ten minutes: {link}"));
    Ok(())
}

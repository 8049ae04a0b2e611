//! `reelmill serve`: all roles in one process, over the embedded stores.

use std::io::IsTerminal;
use std::sync::Arc;

use anyhow::{Context, Result};
use catalog::tokens;
use origin::{App, Settings};
use pipeline::{Config, Pipeline};
use plan::Policy;
use store::local::Local;
use store::{Layout, Stores, SystemClock};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use transcoder::Engine;

use crate::cli::Serve;
use crate::sign_in;

/// Bytes of segments kept in memory: a hundred of 720p.
const CACHE_BYTES: u64 = 128 << 20;

pub fn run(arguments: Serve) -> Result<()> {
    tokio::runtime::Runtime::new()?.block_on(serve(arguments))
}

async fn serve(arguments: Serve) -> Result<()> {
    let stores = Local::open(&arguments.data, Layout::Store, Arc::new(SystemClock::new()))?;
    let engine = Engine::beside_current()?;
    tokens::first_start(&stores, &arguments.data).await?;
    let listener = TcpListener::bind(arguments.listen).await.with_context(|| {
        format!(
            "cannot listen on {}; is another server there?",
            arguments.listen
        )
    })?;
    let listen = listener.local_addr()?;
    let policy = Policy {
        effort: arguments.policy,
        segment_seconds: arguments.segment_seconds,
        ..Policy::default()
    };
    let config = Config {
        policy,
        memory_bytes: arguments.memory,
        ..Config::default()
    };
    let pipeline = Pipeline::start(stores.clone(), engine, config).await?;
    let public_url = arguments
        .public_url
        .unwrap_or_else(|| format!("http://{listen}"));
    eprintln!(
        "reelmill listens on http://{listen}, data in {}",
        arguments.data.display()
    );
    greet(&stores, &public_url).await?;
    let settings = Settings {
        public_url,
        listen,
        allowed_hosts: arguments.allowed_hosts,
        trusted_proxies: arguments.trusted_proxies,
        cache_bytes: CACHE_BYTES,
    };
    let app = App::new(pipeline.clone(), settings);
    origin::serve(listener, app, told_to_stop()?).await?;
    pipeline.stop().await;
    Ok(())
}

/// The way in for who started the program: on a terminal only, never in a log file.
async fn greet(stores: &Stores, public_url: &str) -> Result<()> {
    if !std::io::stderr().is_terminal() {
        return Ok(());
    }
    let link = sign_in::link(stores, public_url).await?;
    eprintln!("sign in within ten minutes: {link}");
    Ok(())
}

fn told_to_stop() -> Result<impl Future<Output = ()> + Send + 'static> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        eprintln!("reelmill stops");
    })
}

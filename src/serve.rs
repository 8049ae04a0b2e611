//! `reelmill serve`: all roles in one process, over the embedded stores.

use std::ffi::OsString;
use std::io::IsTerminal;
use std::sync::Arc;

use anyhow::{Context, Result};
use catalog::tokens;
use origin::App;
use pipeline::{Config, Pipeline};
use plan::Policy;
use store::local::Local;
use store::{Layout, Stores, SystemClock};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use transcoder::Engine;

use crate::cli::Serve;
use crate::settings::Settings;
use crate::sign_in;

pub fn run(arguments: Serve) -> Result<()> {
    let settings = settings(arguments)?;
    tokio::runtime::Runtime::new()?.block_on(serve(settings))
}

/// What holds in the end: arguments above all.
fn settings(arguments: Serve) -> Result<Settings> {
    fn set<T>(setting: &mut T, argument: Option<T>) {
        if let Some(argument) = argument {
            *setting = argument;
        }
    }
    let readable = |(name, value): (OsString, OsString)| {
        Some((name.into_string().ok()?, value.into_string().ok()?))
    };
    let environment = std::env::vars_os().filter_map(readable).collect();
    let mut settings = Settings::load(arguments.config.as_deref(), environment)?;
    set(&mut settings.data, arguments.data);
    let (origin, pipeline) = (&mut settings.origin, &mut settings.pipeline);
    set(&mut origin.listen, arguments.listen);
    origin.public_url = arguments.public_url.or(origin.public_url.take());
    set(&mut origin.allowed_hosts, arguments.allowed_hosts);
    set(&mut origin.trusted_proxies, arguments.trusted_proxies);
    set(&mut pipeline.policy, arguments.policy);
    set(&mut pipeline.segment_seconds, arguments.segment_seconds);
    set(&mut pipeline.memory, arguments.memory);
    settings.check()
}

async fn serve(
    Settings {
        data,
        origin,
        pipeline,
    }: Settings,
) -> Result<()> {
    let stores = Local::open(&data, Layout::Store, Arc::new(SystemClock::new()))?;
    let engine = Engine::beside_current()?;
    tokens::first_start(&stores, &data).await?;
    let listener = TcpListener::bind(origin.listen).await;
    let listener = listener.with_context(|| {
        let address = origin.listen;
        format!("cannot listen on {address}; is another server there?")
    })?;
    let listen = listener.local_addr()?;
    let policy = Policy {
        effort: pipeline.policy,
        segment_seconds: pipeline.segment_seconds,
        ..Policy::default()
    };
    let config = Config {
        policy,
        memory_bytes: pipeline.memory.0,
        ..Config::default()
    };
    let pipeline = Pipeline::start(stores.clone(), engine, config).await?;
    let default_url = || format!("http://{listen}");
    let public_url = origin.public_url.unwrap_or_else(default_url);
    eprintln!(
        "reelmill listens on http://{listen}, data in {}",
        data.display()
    );
    greet(&stores, &public_url).await?;
    let settings = origin::Settings {
        public_url,
        listen,
        allowed_hosts: origin.allowed_hosts,
        trusted_proxies: origin.trusted_proxies,
        cache_bytes: origin.cache.0,
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

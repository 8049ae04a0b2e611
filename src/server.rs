//! Steps that `serve`, `origin` and `worker` share: settings from file, environment and arguments, the engine, the
//! pipeline's configuration, listeners, the HTTP application, and the signal to stop.

use std::ffi::OsString;
use std::fmt::Display;
use std::io::Write;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result};
use origin::App;
use pipeline::{Config, Pipeline, Purge};
use plan::Policy;
use store::Stores;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use transcoder::Engine;

use crate::cli::{Delivery, Making};
use crate::purge::HttpPurge;
use crate::settings::{self, Bytes, Settings};

/// Loads settings from a file, if one is given, and from environment variables, which override the file.
pub fn settings(file: Option<&Path>) -> Result<Settings> {
    let as_text = |(name, value): (OsString, OsString)| {
        Some((name.into_string().ok()?, value.into_string().ok()?))
    };
    let environment = std::env::vars_os().filter_map(as_text).collect();
    Settings::load(file, environment)
}

/// Replaces a setting by the command line argument of the same meaning, if that argument was given.
pub fn override_with<T>(setting: &mut T, argument: Option<T>) {
    if let Some(argument) = argument {
        *setting = argument;
    }
}

impl Delivery {
    /// Replaces settings of `[origin]` by the arguments that were given.
    pub fn override_settings(self, origin: &mut settings::Origin) {
        let Self {
            listen,
            metrics_listen,
            public_url,
            allowed_hosts,
            trusted_proxies,
        } = self;
        override_with(&mut origin.listen, listen);
        origin.metrics_listen = metrics_listen.or(origin.metrics_listen);
        origin.public_url = public_url.or(origin.public_url.take());
        override_with(&mut origin.allowed_hosts, allowed_hosts);
        override_with(&mut origin.trusted_proxies, trusted_proxies);
    }
}

impl Making {
    /// Replaces settings of `[pipeline]` by the arguments that were given.
    pub fn override_settings(self, pipeline: &mut settings::Pipeline) {
        let Self {
            policy,
            segment_seconds,
            per_title,
            loudness_lufs,
            passthrough,
            memory,
        } = self;
        override_with(&mut pipeline.policy, policy);
        override_with(&mut pipeline.segment_seconds, segment_seconds);
        override_with(&mut pipeline.per_title, per_title);
        pipeline.loudness_lufs = loudness_lufs.or(pipeline.loudness_lufs);
        pipeline.passthrough |= passthrough;
        override_with(&mut pipeline.memory, memory);
    }
}

/// Finds the engine program and tests its sandbox: an engine tries whether this kernel refuses forbidden actions.
///
/// # Errors
/// The engine cannot be started, or its sandbox has gaps and the settings require it to have none.
pub async fn engine(settings: &Settings) -> Result<Engine> {
    let sandbox = settings.sandbox();
    let engine = Engine::beside_current()?.sandboxed(sandbox);
    sandbox.permit(&engine.trial().await?.gaps)?;
    Ok(engine.with_spare()?)
}

/// Configuration of the pipeline, from the sections `[pipeline]` and `[purge]` of the settings.
pub fn config(settings: &Settings) -> Result<Config> {
    // The pattern names each field, so that a new setting that is not passed on does not compile.
    let settings::Pipeline {
        policy: effort,
        segment_seconds,
        per_title,
        loudness_lufs,
        passthrough,
        lazy_codecs,
        lazy_after_views,
        memory: Bytes(memory_bytes),
        sandbox: _,
    } = &settings.pipeline;
    let policy = Policy {
        effort: *effort,
        segment_seconds: *segment_seconds,
        per_title: *per_title,
        loudness_lufs: *loudness_lufs,
        passthrough: *passthrough,
        ..Policy::default()
    };
    let purge = settings.purge.clone().map(HttpPurge::new);
    if let Some(purge) = &purge {
        purge
            .check()
            .context("the section [purge] of the settings does not describe an HTTP request")?;
    }
    Ok(Config {
        policy,
        lazy_codecs: lazy_codecs.clone(),
        lazy_after_views: *lazy_after_views,
        memory_bytes: *memory_bytes,
        purge: purge.map(|purge| Arc::new(purge) as Arc<dyn Purge>),
        ..Config::default()
    })
}

/// Listens on an address for HTTP connections.
pub async fn listen(address: SocketAddr) -> Result<TcpListener> {
    let listener = TcpListener::bind(address).await;
    listener.with_context(|| {
        format!("cannot listen on {address}; another program may use this address")
    })
}

/// Listens on the address for metrics and health checks, if the settings have one.
pub async fn listen_for_metrics(origin: &settings::Origin) -> Result<Option<TcpListener>> {
    match origin.metrics_listen {
        Some(address) => listen(address).await.map(Some),
        None => Ok(None),
    }
}

/// Prints a line to stderr and ignores a failure: the reader of a pipe may have closed it.
pub fn print_line(line: impl Display) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// Prints the URL of the metrics, if they are served.
pub fn print_metrics_url(metrics_listener: Option<&TcpListener>) -> Result<()> {
    if let Some(listener) = metrics_listener {
        print_line(format_args!(
            "metrics are at http://{}/metrics",
            listener.local_addr()?
        ));
    }
    Ok(())
}

/// Builds the HTTP application, and returns it with the URL under which clients reach it.
pub async fn app(
    pipeline: &Pipeline,
    stores: &Stores,
    listener: &TcpListener,
    origin: settings::Origin,
) -> Result<(App, String)> {
    // The pattern names each field, so that a new setting that is not passed on does not compile. The listeners already
    // have the addresses, and `stores::with_disk_cache` has opened the disk cache.
    let settings::Origin {
        listen: _,
        metrics_listen: _,
        public_url,
        allowed_hosts,
        trusted_proxies,
        cache: Bytes(cache_bytes),
        disk_cache: _,
    } = origin;
    let listen = listener.local_addr()?;
    let public_url = public_url.unwrap_or_else(|| format!("http://{listen}"));
    let settings = origin::Settings {
        public_url: public_url.clone(),
        listen,
        allowed_hosts,
        trusted_proxies,
        direct_endpoint: pipeline.uploads().direct_endpoint().await?,
        cache_bytes,
    };
    Ok((
        App::new(pipeline.clone(), stores.clone(), settings),
        public_url,
    ))
}

/// Returns a future that ends when the process receives SIGTERM or SIGINT.
pub fn stop_signal() -> Result<impl Future<Output = ()> + Send + 'static> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        print_line("reelmill is stopping");
    })
}

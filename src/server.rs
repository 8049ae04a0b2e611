//! What the roles that listen have in common.

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
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use transcoder::Engine;

use crate::cli::{Delivery, Making};
use crate::purge::HttpPurge;
use crate::settings::{self, Bytes, Settings};

/// Settings of a file under those of the environment.
pub fn settings(file: Option<&Path>) -> Result<Settings> {
    let readable = |(name, value): (OsString, OsString)| {
        Some((name.into_string().ok()?, value.into_string().ok()?))
    };
    let environment = std::env::vars_os().filter_map(readable).collect();
    Settings::load(file, environment)
}

/// An argument is above a setting.
pub fn set<T>(setting: &mut T, argument: Option<T>) {
    if let Some(argument) = argument {
        *setting = argument;
    }
}

impl Delivery {
    pub fn set(self, origin: &mut settings::Origin) {
        let Self {
            listen,
            metrics_listen,
            public_url,
            allowed_hosts,
            trusted_proxies,
        } = self;
        set(&mut origin.listen, listen);
        origin.metrics_listen = metrics_listen.or(origin.metrics_listen);
        origin.public_url = public_url.or(origin.public_url.take());
        set(&mut origin.allowed_hosts, allowed_hosts);
        set(&mut origin.trusted_proxies, trusted_proxies);
    }
}

impl Making {
    pub fn set(self, pipeline: &mut settings::Pipeline) {
        let Self {
            policy,
            segment_seconds,
            per_title,
            loudness_lufs,
            passthrough,
            memory,
        } = self;
        set(&mut pipeline.policy, policy);
        set(&mut pipeline.segment_seconds, segment_seconds);
        set(&mut pipeline.per_title, per_title);
        pipeline.loudness_lufs = loudness_lufs.or(pipeline.loudness_lufs);
        pipeline.passthrough |= passthrough;
        set(&mut pipeline.memory, memory);
    }
}

/// The engine, after one has tried whether this kernel can shut it in.
///
/// # Errors
/// Where it cannot be started, or its cage has gaps and the settings want none.
pub async fn engine(settings: &Settings) -> Result<Engine> {
    let sandbox = settings.sandbox();
    let engine = Engine::beside_current()?.sandboxed(sandbox);
    sandbox.permit(&engine.trial().await?.gaps)?;
    Ok(engine.with_spare()?)
}

/// How sources become renditions.
pub fn config(settings: &Settings) -> Result<Config> {
    // Each by its name: a setting that is not handed on does not compile.
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
        purge.check().context("[purge] of the settings")?;
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

pub async fn listen(address: SocketAddr) -> Result<TcpListener> {
    let listener = TcpListener::bind(address).await;
    listener.with_context(|| format!("cannot listen on {address}; is another server there?"))
}

/// A listener for metrics, where they are wanted.
pub async fn listen_for_metrics(origin: &settings::Origin) -> Result<Option<TcpListener>> {
    match origin.metrics_listen {
        Some(address) => listen(address).await.map(Some),
        None => Ok(None),
    }
}

/// Tells whoever started the program, who may have closed the other end by now.
pub fn say(line: impl Display) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// Tells where metrics are.
pub fn say_metrics(watched: Option<&TcpListener>) -> Result<()> {
    if let Some(watched) = watched {
        say(format_args!(
            "metrics are at http://{}/metrics",
            watched.local_addr()?
        ));
    }
    Ok(())
}

/// The application, and where it is reached from outside.
pub async fn app(
    pipeline: &Pipeline,
    listener: &TcpListener,
    origin: settings::Origin,
) -> Result<(App, String)> {
    // Each by its name: a setting that is not handed on does not compile. The listeners have their addresses, and
    // `stores::near` makes the cache on disk.
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
        direct_endpoint: pipeline.direct_endpoint().await?,
        cache_bytes,
    };
    Ok((App::new(pipeline.clone(), settings), public_url))
}

/// Ends when an operator wants the process to.
pub fn told_to_stop() -> Result<impl Future<Output = ()> + Send + 'static> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        say("reelmill stops");
    })
}

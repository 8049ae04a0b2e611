//! What the roles that listen have in common.

use std::ffi::OsString;
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
use crate::settings::{self, Settings};

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
        set(&mut origin.listen, self.listen);
        origin.public_url = self.public_url.or(origin.public_url.take());
        set(&mut origin.allowed_hosts, self.allowed_hosts);
        set(&mut origin.trusted_proxies, self.trusted_proxies);
    }
}

impl Making {
    pub fn set(self, pipeline: &mut settings::Pipeline) {
        set(&mut pipeline.policy, self.policy);
        set(&mut pipeline.segment_seconds, self.segment_seconds);
        set(&mut pipeline.per_title, self.per_title);
        pipeline.loudness_lufs = self.loudness_lufs.or(pipeline.loudness_lufs);
        pipeline.passthrough |= self.passthrough;
        set(&mut pipeline.memory, self.memory);
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
    Ok(engine)
}

/// How sources become renditions.
pub fn config(settings: &Settings) -> Result<Config> {
    let pipeline = &settings.pipeline;
    let policy = Policy {
        effort: pipeline.policy,
        segment_seconds: pipeline.segment_seconds,
        per_title: pipeline.per_title,
        loudness_lufs: pipeline.loudness_lufs,
        passthrough: pipeline.passthrough,
        ..Policy::default()
    };
    let purge = settings.purge.clone().map(HttpPurge::new);
    if let Some(purge) = &purge {
        purge.check().context("[purge] of the settings")?;
    }
    Ok(Config {
        policy,
        lazy_codecs: pipeline.lazy_codecs.clone(),
        lazy_after_views: pipeline.lazy_after_views,
        memory_bytes: pipeline.memory.0,
        purge: purge.map(|purge| Arc::new(purge) as Arc<dyn Purge>),
        ..Config::default()
    })
}

pub async fn listen(address: SocketAddr) -> Result<TcpListener> {
    let listener = TcpListener::bind(address).await;
    listener.with_context(|| format!("cannot listen on {address}; is another server there?"))
}

/// The application, and where it is reached from outside.
pub async fn app(
    pipeline: &Pipeline,
    listener: &TcpListener,
    origin: settings::Origin,
) -> Result<(App, String)> {
    let listen = listener.local_addr()?;
    let public_url = origin
        .public_url
        .unwrap_or_else(|| format!("http://{listen}"));
    let settings = origin::Settings {
        public_url: public_url.clone(),
        listen,
        allowed_hosts: origin.allowed_hosts,
        trusted_proxies: origin.trusted_proxies,
        direct_endpoint: pipeline.direct_endpoint().await?,
        cache_bytes: origin.cache.0,
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
        eprintln!("reelmill stops");
    })
}

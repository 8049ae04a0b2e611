//! Liveness, readiness, metrics.

mod kept;

use std::sync::Arc;

use axum::Router;
use axum::extract::{FromRef, State};
use axum::http::StatusCode;
use axum::routing::get;
use pipeline::{Crew, Pipeline};
use tokio_util::sync::CancellationToken;

use self::kept::Kept;
use crate::app::App;
use crate::metrics::counter;

/// A process as its probes see it.
#[derive(Clone)]
pub struct Health {
    pipeline: Pipeline,
    pub(crate) stop: CancellationToken,
    stores: Arc<Kept<(Vec<Part>, Option<u64>)>>,
    crew: Arc<Kept<(Option<Crew>, Option<u64>)>>,
}

/// A store, and what is wrong with it, if anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Part {
    name: &'static str,
    trouble: Option<&'static str>,
}

impl FromRef<App> for Health {
    fn from_ref(app: &App) -> Self {
        app.health.clone()
    }
}

impl Health {
    /// Of a process; it stops when `stop` is cancelled.
    pub(crate) fn of(pipeline: Pipeline, stop: CancellationToken) -> Self {
        Self {
            pipeline,
            stop,
            stores: Arc::default(),
            crew: Arc::default(),
        }
    }

    /// All that a process answers that serves nothing else.
    pub(crate) fn router(self) -> Router {
        let metrics = async |State(health): State<Self>| health.gauges().await;
        let ready = async |State(health): State<Self>| health.ready(|| false).await;
        Router::new()
            .route("/health", get(ready))
            .route("/livez", get(live))
            .route("/readyz", get(ready))
            .route("/metrics", get(metrics))
            .with_state(self)
    }

    /// The state of each store and the bytes that are free, as they were a few seconds ago; nothing where none has said
    /// anything yet.
    async fn parts(&self) -> Option<(Vec<Part>, Option<u64>)> {
        let stores = self.pipeline.stores().clone();
        let clock = stores.clock.clone();
        let asked = self.stores.get(&clock, async move {
            let (states, free) = tokio::join!(stores.states(), stores.objects.free_bytes());
            let part = |(name, trouble)| Part { name, trouble };
            (states.map(part).to_vec(), free.ok().flatten())
        });
        asked.await
    }

    /// Whether it can do something of what it is there for, and the parts of that. `has_some` tells whether it can without
    /// any store.
    async fn ready(&self, has_some: impl FnOnce() -> bool) -> (StatusCode, String) {
        let stopping = self.stop.is_cancelled();
        let (parts, free) = self.parts().await.unwrap_or_default();
        // Without messages everything that is made is served, and uploads are taken.
        let is_well = |part: &Part| part.trouble.is_none();
        let is_whole = parts.iter().all(is_well) && free != Some(0);
        let is_served = |part: &Part| part.name == MESSAGES || is_well(part);
        let is_known = !parts.is_empty();
        let is_ready = (is_known && parts.iter().all(is_served)) || has_some();
        let (status, first) = match (stopping, is_ready, is_whole) {
            (true, ..) => (StatusCode::SERVICE_UNAVAILABLE, "stopping"),
            (_, false, _) => (StatusCode::SERVICE_UNAVAILABLE, "not ready"),
            (_, _, true) if is_known => (StatusCode::OK, "ok"),
            (_, _, _) => (StatusCode::OK, "ok, in part"),
        };
        let line = |Part { name, trouble }: &Part| format!("{name}: {}\n", trouble.unwrap_or("ok"));
        let lines: String = parts.iter().map(line).collect();
        let space = match free {
            Some(0) => "space: none for new media; deletions are possible\n",
            Some(_) => "space: ok\n",
            None => "",
        };
        (status, format!("{first}\n{lines}{space}"))
    }

    /// What every process of a cluster knows, in the Prometheus text format.
    async fn gauges(&self) -> String {
        let pipeline = self.pipeline.clone();
        let clock = pipeline.stores().clock.clone();
        let known = self.crew.get(&clock, async move {
            let objects = &pipeline.stores().objects;
            let (crew, free) = tokio::join!(pipeline.crew(), objects.free_bytes());
            (crew.ok().flatten(), free.ok().flatten())
        });
        let (crew, free) = known.await.unwrap_or_default();
        text([
            ("reelmill_workers", crew.map(|crew| crew.workers)),
            ("reelmill_workers_wanted", crew.map(|crew| crew.wanted)),
            (
                "reelmill_media_seconds_left",
                crew.map(|crew| crew.left_seconds),
            ),
            ("reelmill_store_free_bytes", free),
        ])
    }
}

/// The name of what may be away while everything that is made is served.
const MESSAGES: &str = "messages";

/// They answer under any name, and never read a cookie.
pub fn routes() -> Router<App> {
    Router::new()
        .route("/health", get(ready))
        .route("/livez", get(live))
        .route("/readyz", get(ready))
}

/// What an origin answers at an address of its own: the same, and what it counts.
pub fn watched(app: App) -> Router {
    routes().route("/metrics", get(metrics)).with_state(app)
}

/// `GET /livez`: the process answers.
async fn live() -> &'static str {
    "ok\n"
}

/// `GET /readyz`, and `/health` for people: it can serve something of what it has.
async fn ready(State(app): State<App>) -> (StatusCode, String) {
    let has_some = || app.files.size().0 > 0 || app.disk_cache.is_some();
    app.health.ready(has_some).await
}

/// `GET /metrics` in the Prometheus text format.
async fn metrics(State(app): State<App>) -> String {
    let (files, bytes) = app.files.size();
    let (uploads, listeners) = (app.uploads.held(), app.listeners.held());
    let own = text([
        ("reelmill_cache_files", Some(files)),
        ("reelmill_cache_bytes", Some(bytes)),
        ("reelmill_uploads_open", Some(uploads as u64)),
        ("reelmill_event_streams_open", Some(listeners as u64)),
    ]);
    let disk = app.disk_cache.as_ref().map_or_else(String::new, |cache| {
        let (hits, misses) = cache.hits_and_misses();
        counter("reelmill_disk_cache_hits_total", hits)
            + &counter("reelmill_disk_cache_misses_total", misses)
    });
    app.metrics.text() + &disk + &own + &app.health.gauges().await
}

/// Gauges that are known.
fn text<const N: usize>(gauges: [(&str, Option<u64>); N]) -> String {
    let line = |(name, value): (&str, Option<u64>)| {
        Some(format!("# TYPE {name} gauge\n{name} {}\n", value?))
    };
    gauges.into_iter().filter_map(line).collect()
}

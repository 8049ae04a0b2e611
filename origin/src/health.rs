//! Liveness, readiness, metrics.

use axum::Router;
use axum::extract::{FromRef, State};
use axum::http::StatusCode;
use axum::routing::get;
use pipeline::Pipeline;
use tokio_util::sync::CancellationToken;

use crate::app::App;
use crate::metrics::counter;

/// A process as its probes see it.
#[derive(Clone)]
pub(crate) struct Health {
    pipeline: Pipeline,
    pub(crate) stop: CancellationToken,
}

impl FromRef<App> for Health {
    fn from_ref(app: &App) -> Self {
        Self {
            pipeline: app.pipeline.clone(),
            stop: app.stop.clone(),
        }
    }
}

impl Health {
    /// Of a process that serves nothing else.
    pub(crate) fn of(pipeline: Pipeline) -> Self {
        Self {
            pipeline,
            stop: CancellationToken::new(),
        }
    }

    /// All that such a process answers.
    pub(crate) fn router(self) -> Router {
        let metrics = async |State(health): State<Self>| health.gauges().await;
        probes().route("/metrics", get(metrics)).with_state(self)
    }

    /// What every process of a cluster knows, in the Prometheus text format.
    async fn gauges(&self) -> String {
        let stores = self.pipeline.stores();
        let (crew, free) = tokio::join!(self.pipeline.crew(), stores.objects.free_bytes());
        let crew = crew.ok().flatten();
        text([
            ("reelmill_workers", crew.map(|crew| crew.workers)),
            ("reelmill_workers_wanted", crew.map(|crew| crew.wanted)),
            (
                "reelmill_media_seconds_left",
                crew.map(|crew| crew.left_seconds),
            ),
            ("reelmill_store_free_bytes", free.ok().flatten()),
        ])
    }
}

/// They answer under any name, and never read a cookie.
pub fn routes() -> Router<App> {
    probes().route("/metrics", get(metrics))
}

fn probes<S: Clone + Send + Sync + 'static>() -> Router<S>
where
    Health: FromRef<S>,
{
    Router::new()
        .route("/health", get(ready))
        .route("/livez", get(live))
        .route("/readyz", get(ready))
}

/// `GET /livez`: the process answers.
async fn live() -> &'static str {
    "ok\n"
}

/// `GET /readyz`, and `/health` for people: its stores answer too.
async fn ready(State(health): State<Health>) -> (StatusCode, String) {
    if health.stop.is_cancelled() {
        return (StatusCode::SERVICE_UNAVAILABLE, "stopping\n".to_owned());
    }
    let silent = health.pipeline.stores().silent().await;
    if silent.is_empty() {
        (StatusCode::OK, "ok\n".to_owned())
    } else {
        let said = format!("no answer from: {}\n", silent.join(", "));
        (StatusCode::SERVICE_UNAVAILABLE, said)
    }
}

/// `GET /metrics` in the Prometheus text format.
async fn metrics(State(app): State<App>) -> String {
    let (files, bytes) = app.files.size();
    let uploads = crate::app::UPLOADS - app.uploads.available_permits();
    let listeners = crate::app::LISTENERS - app.listeners.available_permits();
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
    app.metrics.text() + &disk + &own + &Health::from_ref(&app).gauges().await
}

/// Gauges that are known.
fn text<const N: usize>(gauges: [(&str, Option<u64>); N]) -> String {
    let line = |(name, value): (&str, Option<u64>)| {
        Some(format!("# TYPE {name} gauge\n{name} {}\n", value?))
    };
    gauges.into_iter().filter_map(line).collect()
}

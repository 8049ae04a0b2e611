//! Liveness, readiness, metrics.

use axum::Router;
use axum::extract::{FromRef, State};
use axum::http::StatusCode;
use axum::routing::get;
use pipeline::Pipeline;
use tokio_util::sync::CancellationToken;

use crate::app::App;

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
        probes().with_state(self)
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
    let free = app.pipeline.stores().objects.free_bytes().await;
    let gauges = [
        ("reelmill_cache_files", Some(files)),
        ("reelmill_cache_bytes", Some(bytes)),
        ("reelmill_uploads_open", Some(uploads as u64)),
        ("reelmill_event_streams_open", Some(listeners as u64)),
        ("reelmill_store_free_bytes", free.ok().flatten()),
    ];
    let line = |(name, value): (&str, Option<u64>)| {
        Some(format!("# TYPE {name} gauge\n{name} {}\n", value?))
    };
    app.metrics.text() + &gauges.into_iter().filter_map(line).collect::<String>()
}

//! Liveness, readiness, metrics.

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use store::metadata::PageRequest;

use crate::app::App;

/// They answer under any name, and never read a cookie.
pub fn routes() -> Router<App> {
    Router::new()
        .route("/health", get(ready))
        .route("/livez", get(live))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
}

/// `GET /livez`: the process answers.
async fn live() -> &'static str {
    "ok\n"
}

/// `GET /readyz`, and `/health` for people: its stores answer too.
async fn ready(State(app): State<App>) -> (StatusCode, &'static str) {
    let page = PageRequest::first(1);
    let videos = app.pipeline.list(None, &page).await;
    let space = app.pipeline.stores().objects.free_bytes().await;
    match (videos, space) {
        _ if app.stop.is_cancelled() => (StatusCode::SERVICE_UNAVAILABLE, "stopping\n"),
        (Ok(_), Ok(_)) => (StatusCode::OK, "ok\n"),
        _ => (StatusCode::SERVICE_UNAVAILABLE, "a store does not answer\n"),
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

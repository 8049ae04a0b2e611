//! Liveness, readiness, metrics.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use store::metadata::PageRequest;

use crate::app::App;

/// `GET /health`: as `/readyz`, for people.
pub async fn health(state: State<App>) -> impl IntoResponse {
    ready(state).await
}

/// `GET /livez`: the process answers.
pub async fn live() -> &'static str {
    "ok\n"
}

/// `GET /readyz`: its stores answer too.
pub async fn ready(State(app): State<App>) -> (StatusCode, &'static str) {
    let videos = app.pipeline.list(None, &PageRequest::first(1)).await;
    let space = app.pipeline.stores().objects.free_bytes().await;
    match (videos, space) {
        (Ok(_), Ok(_)) => (StatusCode::OK, "ok\n"),
        _ => (StatusCode::SERVICE_UNAVAILABLE, "a store does not answer\n"),
    }
}

/// `GET /metrics` in the Prometheus text format.
pub async fn metrics(State(app): State<App>) -> String {
    let (entries, bytes) = app.cache.size();
    let free = app
        .pipeline
        .stores()
        .objects
        .free_bytes()
        .await
        .ok()
        .flatten();
    let mut text = format!(
        "# TYPE reelmill_cache_objects gauge\nreelmill_cache_objects {entries}\n\
         # TYPE reelmill_cache_bytes gauge\nreelmill_cache_bytes {bytes}\n"
    );
    if let Some(free) = free {
        text +=
            &format!("# TYPE reelmill_store_free_bytes gauge\nreelmill_store_free_bytes {free}\n");
    }
    text
}

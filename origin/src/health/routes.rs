//! Routes of the health checks and metrics of an origin.

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;

use super::{live, text};
use crate::app::App;
use crate::metrics::counter;

/// Routes of the health checks of an origin. They answer under any host name, and never read a cookie.
pub fn routes() -> Router<App> {
    Router::new()
        .route("/health", get(ready))
        .route("/livez", get(live))
        .route("/readyz", get(ready))
}

/// Routes of an origin's address for monitoring: health checks and metrics.
pub fn monitoring_router(app: App) -> Router {
    routes().route("/metrics", get(metrics)).with_state(app)
}

/// `GET /readyz`, and `/health` for people: answers `200` if the origin can serve at least a part of its media, and
/// `503` if it cannot, or is stopping. The body has a line for each store.
async fn ready(State(app): State<App>) -> (StatusCode, String) {
    let has_some = || app.file_cache.size().0 > 0 || app.disk_cache.is_some();
    app.health.ready(has_some).await
}

/// `GET /metrics`: metrics in the Prometheus text format.
async fn metrics(State(app): State<App>) -> String {
    let (files, bytes) = app.file_cache.size();
    let (uploads, listeners) = (app.upload_seats.held(), app.event_stream_seats.held());
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

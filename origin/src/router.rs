//! All routes, and the layers that every response passes: security headers, compression, request ids, time limits.

use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::DefaultBodyLimit;
use axum::http::{HeaderName, HeaderValue, Request, StatusCode, header};
use axum::routing::{get, post};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::request_id::{
    MakeRequestUuid, PropagateRequestIdLayer, RequestId, SetRequestIdLayer,
};
use tower_http::set_header::SetResponseHeaderLayer;
use tower_http::timeout::TimeoutLayer;
use tower_http::trace::TraceLayer;
use tracing::Span;

use crate::app::App;
use crate::{api, delivery, health, hosts, pages, side_car};

/// Time limit of requests for pages and API answers. They take milliseconds; the limit keeps a store that hangs from
/// hanging its callers.
const TIMEOUT: Duration = Duration::from_secs(30);
/// Most bytes of a small form, such as the one with a sign-in code.
const FORM_BYTES: usize = 16 << 10;

/// Router with all routes of the server.
pub fn router(app: App) -> Router {
    let quick = Router::new()
        .nest("/api/v1", api::routes())
        // A nested router does not answer its own path with a trailing slash.
        .route("/api/v1/", get(api::reference))
        .route("/", get(pages::home))
        .route("/watch/{video}", get(pages::watch))
        .route(
            "/watch/{video}/text",
            post(pages::add_text).layer(DefaultBodyLimit::max(side_car::MOST_BYTES + FORM_BYTES)),
        )
        .route(
            "/watch/{video}/text/{language}/remove",
            post(pages::remove_text),
        )
        .route("/watch/{video}/codecs/{codec}", post(pages::add_codec))
        .route("/watch/{video}/remake", post(pages::start_remake))
        .route("/watch/{video}/retry", post(pages::retry))
        .route("/sign-in", get(pages::sign_in).post(pages::exchange))
        .route("/sign-out", post(pages::sign_out))
        .route("/assets/{*path}", get(pages::asset))
        .layer(DefaultBodyLimit::max(FORM_BYTES))
        .layer(TimeoutLayer::with_status_code(
            StatusCode::SERVICE_UNAVAILABLE,
            TIMEOUT,
        ));
    // Uploads and event streams have no time limit; an upload ends when it has stood still for too long.
    let long = Router::new()
        .route("/api/v1/videos", post(api::create))
        .route("/upload", post(pages::upload))
        .layer(DefaultBodyLimit::disable())
        .route("/events", get(api::events));
    let known_hosts = axum::middleware::from_fn_with_state(app.clone(), hosts::require_known_host);
    let guarded = quick
        .merge(long)
        .fallback(pages::missing)
        .layer(CompressionLayer::new())
        .layer(known_hosts)
        .layer(default_header("cache-control", "private, no-cache"))
        .layer(SetResponseHeaderLayer::if_not_present(
            header::CONTENT_SECURITY_POLICY,
            pages::content_security_policy(&app),
        ));
    let request_id = HeaderName::from_static("x-request-id");
    delivery::routes()
        .merge(health::routes::routes())
        .fallback_service(guarded.with_state(app.clone()))
        .layer(CatchPanicLayer::new())
        .layer(default_header("x-content-type-options", "nosniff"))
        .layer(default_header("referrer-policy", "no-referrer"))
        .layer(PropagateRequestIdLayer::new(request_id.clone()))
        .layer(TraceLayer::new_for_http().make_span_with(span))
        .layer(SetRequestIdLayer::new(request_id, MakeRequestUuid))
        .with_state(app)
}

/// Layer that sets a response header unless the handler has set it.
fn default_header(name: &'static str, value: &'static str) -> SetResponseHeaderLayer<HeaderValue> {
    let name = HeaderName::from_static(name);
    SetResponseHeaderLayer::if_not_present(name, HeaderValue::from_static(value))
}

/// Log span of a request, with method, path and id. The query is left out: it may hold a sign-in code, which must not
/// be logged.
fn span(request: &Request<Body>) -> Span {
    let id = request.extensions().get::<RequestId>();
    let id = id.and_then(|id| id.header_value().to_str().ok());
    tracing::info_span!(
        "request",
        method = %request.method(),
        path = request.uri().path(),
        id = id.unwrap_or_default(),
    )
}

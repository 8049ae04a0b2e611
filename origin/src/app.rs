//! The application: what handlers share, and all routes in one place.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::{HeaderName, HeaderValue};
use axum::routing::{get, post};
use pipeline::Pipeline;
use tokio::net::TcpListener;
use tower_http::compression::predicate::Predicate;
use tower_http::compression::{CompressionLayer, predicate};
use tower_http::request_id::{MakeRequestUuid, PropagateRequestIdLayer, SetRequestIdLayer};
use tower_http::set_header::SetResponseHeaderLayer;
use tower_http::trace::TraceLayer;

use crate::delivery::SegmentCache;
use crate::{api, delivery, health, hosts, pages};

/// What the operator chooses.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where the origin is reached from outside; absolute URLs are made of it, never of `Host`.
    pub public_url: String,
    /// The address it listens on.
    pub listen: SocketAddr,
    /// Names besides `public_url`'s, the listen address and loopback under which pages answer.
    pub allowed_hosts: Vec<String>,
    /// Bytes of segments kept in memory.
    pub cache_bytes: u64,
}

/// What handlers share; cheap to clone.
#[derive(Clone)]
pub struct App {
    pub(crate) pipeline: Pipeline,
    pub(crate) settings: Arc<Settings>,
    pub(crate) cache: SegmentCache,
}

impl App {
    /// An application over a pipeline.
    pub fn new(pipeline: Pipeline, settings: Settings) -> Self {
        let cache = SegmentCache::new(settings.cache_bytes);
        Self {
            pipeline,
            settings: Arc::new(settings),
            cache,
        }
    }
}

/// All routes.
pub fn router(app: App) -> Router {
    let video = "/v/{video}";
    // Answer under any name, and never read a cookie.
    let public = Router::new()
        .route(&format!("{video}/master.m3u8"), get(delivery::master))
        .route(&format!("{video}/manifest.mpd"), get(delivery::mpd))
        .route(&format!("{video}/chapters.vtt"), get(delivery::chapters))
        .route(
            &format!("{video}/storyboard.vtt"),
            get(delivery::storyboard),
        )
        .route(
            &format!("{video}/thumbnail/{{width}}/{{file}}"),
            get(delivery::thumbnail),
        )
        .route(&format!("{video}/{{file}}"), get(delivery::poster))
        .route(
            &format!("{video}/{{rendition}}/{{file}}"),
            get(delivery::rendition),
        )
        .layer(delivery::cors())
        .layer(CompressionLayer::new().compress_when(texts()))
        .route("/health", get(health::health))
        .route("/livez", get(health::live))
        .route("/readyz", get(health::ready))
        .route("/metrics", get(health::metrics));
    let guarded = Router::new()
        .route("/api/v1/videos", post(api::create).get(api::list))
        .route("/api/v1/videos/{video}", get(api::show).delete(api::delete))
        .layer(DefaultBodyLimit::disable())
        .route("/events", get(api::events))
        .route("/", get(pages::home))
        .route("/watch/{video}", get(pages::watch))
        .route("/sign-in", get(pages::sign_in).post(pages::exchange))
        .route("/assets/{*path}", get(pages::asset))
        .layer(axum::middleware::from_fn_with_state(
            app.clone(),
            hosts::known_only,
        ))
        .layer(header(
            "content-security-policy",
            pages::CONTENT_SECURITY_POLICY,
        ));
    let request_id = HeaderName::from_static("x-request-id");
    public
        .merge(guarded)
        .layer(header("x-content-type-options", "nosniff"))
        .layer(header("referrer-policy", "no-referrer"))
        .layer(PropagateRequestIdLayer::new(request_id.clone()))
        .layer(TraceLayer::new_for_http())
        .layer(SetRequestIdLayer::new(request_id, MakeRequestUuid))
        .with_state(app)
}

fn header(name: &'static str, value: &'static str) -> SetResponseHeaderLayer<HeaderValue> {
    let name = HeaderName::from_static(name);
    SetResponseHeaderLayer::if_not_present(name, HeaderValue::from_static(value))
}

/// Playlists and other text are compressed; media is compressed already.
fn texts() -> impl Predicate {
    predicate::SizeAbove::new(256)
        .and(predicate::NotForContentType::const_new("video/"))
        .and(predicate::NotForContentType::const_new("audio/"))
        .and(predicate::NotForContentType::IMAGES)
}

/// Serves until `shutdown`, then finishes what is under way.
pub async fn serve(
    listener: TcpListener,
    app: App,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    axum::serve(listener, router(app))
        .with_graceful_shutdown(shutdown)
        .await
}

//! Delivery to players and CDNs: everything under `/v/{video}/`.

mod cache;
mod files;
mod manifests;
mod respond;

use std::time::Duration;

use axum::http::{HeaderName, Method, header};
use tower_http::cors::{Any, CorsLayer};

pub use cache::SegmentCache;
pub use files::{poster, rendition, thumbnail};
pub use manifests::{chapters, master, mpd, storyboard};

/// Players on any page may read everything, timing included.
pub fn cors() -> CorsLayer {
    CorsLayer::new()
        .allow_origin(Any)
        .allow_methods([Method::GET, Method::HEAD, Method::OPTIONS])
        .allow_headers(Any)
        .expose_headers([
            HeaderName::from_static("server-timing"),
            header::AGE,
            header::CONTENT_LENGTH,
            header::CONTENT_RANGE,
            header::DATE,
            header::ETAG,
        ])
        .max_age(Duration::from_secs(86_400))
}

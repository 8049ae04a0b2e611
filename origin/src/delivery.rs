//! Delivery to players and CDNs: everything under `/v/{video}/`.
//!
//! Each kind of file has a source file here: `master.rs`, `mpd.rs`, `storyboard.rs` and `chapters.rs` write short-lived
//! texts from the video's current plan; `rendition.rs` serves all files below a rendition, which never change, with
//! `playlist.rs`, `init.rs`, `segment.rs`, `sheet.rs` and `text.rs` to read them; `still.rs` serves posters and
//! thumbnails. `respond.rs` writes every response and error; `cache.rs` is the memory cache. Begin reading with
//! `rendition.rs`: a player asks for a segment there.

pub(crate) mod cache;
mod chapters;
mod current;
pub(crate) mod existing;
mod init;
mod master;
mod mpd;
mod playlist;
mod range;
mod rendition;
pub(crate) mod rendition_file;
pub(crate) mod respond;
mod segment;
mod sheet;
mod still;
mod storyboard;
mod text;

use std::time::Duration;

use axum::Router;
use axum::http::{HeaderName, Method, header};
use axum::routing::get;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{NotForContentType, Predicate, SizeAbove};
use tower_http::cors::{Any, CorsLayer};

use crate::app::App;

/// Routes of delivery. They answer under any host name, and never read a cookie.
pub fn routes() -> Router<App> {
    // Playlists and other texts are compressed; media is compressed already.
    let texts = SizeAbove::new(256)
        .and(NotForContentType::const_new("video/"))
        .and(NotForContentType::const_new("audio/"))
        .and(NotForContentType::IMAGES);
    let files = Router::new()
        .route("/master.m3u8", get(master::master))
        .route("/manifest.mpd", get(mpd::mpd))
        .route("/chapters.vtt", get(chapters::chapters))
        .route("/storyboard.vtt", get(storyboard::storyboard))
        .route("/thumbnail/{width}/{file}", get(still::thumbnail))
        .route("/{file}", get(still::poster))
        .route("/{rendition}/{file}", get(rendition::rendition))
        .fallback(|| async { respond::DeliveryError::NotFound });
    Router::new()
        .nest("/v/{video}", files)
        .layer(cors())
        .layer(CompressionLayer::new().compress_when(texts))
}

/// CORS layer that lets players on pages of any site read all responses and their timing.
fn cors() -> CorsLayer {
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
        // Responses are the same for every `Origin`; with `Vary`, every cache would keep a copy for each.
        .vary([])
        .max_age(Duration::from_secs(86_400))
}

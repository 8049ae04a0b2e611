//! Responses of delivery: caching, validators, what a client sees of an error (RFC 9110, 9111).

use std::time::Duration;

use axum::http::header::{self, HeaderName};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use pipeline::DemandError;
use plan::VideoId;
use store::CachePolicy;

use super::range::{Asked, asked};

/// What a client of delivery sees of an error; the rest is in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DeliveryError {
    /// No such video, rendition or file.
    #[error("no such video, rendition or file")]
    NotFound,
    /// It is being made; ask again. Never a 4xx: players do not retry those.
    #[error("not made yet")]
    NotReady,
    /// It will never be made: newer playlists list another rendition in its place.
    #[error("another rendition stands in its place")]
    Gone,
    /// The store did not answer.
    #[error("the store did not answer")]
    Store,
}

impl From<DemandError> for DeliveryError {
    fn from(error: DemandError) -> Self {
        match error {
            DemandError::NotFound => Self::NotFound,
            DemandError::Gone => Self::Gone,
            DemandError::Store(error) => error.into(),
            _ => Self::NotReady,
        }
    }
}

impl From<store::Error> for DeliveryError {
    fn from(error: store::Error) -> Self {
        if matches!(error, store::Error::NotFound) {
            return Self::NotFound;
        }
        tracing::error!(error = &error as &dyn std::error::Error, "a store failed");
        Self::Store
    }
}

impl IntoResponse for DeliveryError {
    fn into_response(self) -> Response {
        let no_store = (header::CACHE_CONTROL, "no-store");
        match self {
            Self::NotFound => (StatusCode::NOT_FOUND, [no_store], "not found\n").into_response(),
            Self::Gone => (StatusCode::GONE, [no_store], "gone\n").into_response(),
            Self::NotReady => {
                let headers = [no_store, (header::RETRY_AFTER, "1")];
                (StatusCode::SERVICE_UNAVAILABLE, headers, "not made yet\n").into_response()
            }
            Self::Store => {
                let headers = [no_store, (header::RETRY_AFTER, "2")];
                (StatusCode::SERVICE_UNAVAILABLE, headers, "try again soon\n").into_response()
            }
        }
    }
}

/// A validator of bytes that never change under their name.
pub fn strong_tag(bytes: &Bytes) -> String {
    format!("\"{}\"", &blake3::hash(bytes).to_hex()[..24])
}

/// A validator of text that is compressed on its way.
pub fn weak_tag(bytes: &Bytes) -> String {
    format!("W/{}", strong_tag(bytes))
}

/// A body with what caches and players need to know of it.
pub struct Body {
    pub video: VideoId,
    pub bytes: Bytes,
    pub content_type: &'static str,
    pub policy: CachePolicy,
    pub etag: String,
    /// Time spent making it; told to players, so that it does not count as bandwidth.
    pub made_in: Duration,
}

impl Body {
    /// Text that is rendered anew for every request.
    pub fn short(video: VideoId, text: String, content_type: &'static str) -> Self {
        let bytes = Bytes::from(text);
        Self {
            video,
            etag: weak_tag(&bytes),
            bytes,
            content_type,
            policy: CachePolicy::Short,
            made_in: Duration::ZERO,
        }
    }

    /// The response to a request with these headers.
    pub fn respond(self, request: &HeaderMap) -> Response {
        let mut headers = HeaderMap::new();
        // What is set here is ASCII by construction.
        let mut set = |name: HeaderName, value: &str| {
            if let Ok(value) = HeaderValue::from_str(value) {
                headers.insert(name, value);
            }
        };
        let video = self.video.to_string();
        set(header::ETAG, &self.etag);
        set(header::CACHE_CONTROL, self.policy.cache_control());
        set(HeaderName::from_static("cache-tag"), &video);
        set(HeaderName::from_static("surrogate-key"), &video);
        set(HeaderName::from_static("timing-allow-origin"), "*");
        if !self.made_in.is_zero() {
            let timing = format!("make;dur={}", self.made_in.as_millis());
            set(HeaderName::from_static("server-timing"), &timing);
        }
        if is_match(request, &self.etag) {
            return (StatusCode::NOT_MODIFIED, headers).into_response();
        }
        set(header::CONTENT_TYPE, self.content_type);
        set(header::ACCEPT_RANGES, "bytes");
        let total = self.bytes.len() as u64;
        match asked(request, &self.etag, total) {
            Asked::Whole => (headers, self.bytes).into_response(),
            Asked::Part(first, last) => {
                let part = self.bytes.slice(first as usize..last as usize + 1);
                set(
                    header::CONTENT_RANGE,
                    &format!("bytes {first}-{last}/{total}"),
                );
                (StatusCode::PARTIAL_CONTENT, headers, part).into_response()
            }
            Asked::Beyond => {
                set(header::CONTENT_RANGE, &format!("bytes */{total}"));
                set(header::CACHE_CONTROL, "no-store");
                (StatusCode::RANGE_NOT_SATISFIABLE, headers).into_response()
            }
        }
    }
}

/// `If-None-Match` by weak comparison (RFC 9110 §13.1.2).
fn is_match(request: &HeaderMap, etag: &str) -> bool {
    fn opaque(tag: &str) -> &str {
        let tag = tag.trim();
        tag.strip_prefix("W/").unwrap_or(tag)
    }
    let values = request.get_all(header::IF_NONE_MATCH).iter();
    let mut tags = values
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','));
    tags.any(|asked| asked.trim() == "*" || opaque(asked) == opaque(etag))
}

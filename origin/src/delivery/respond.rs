//! Responses of delivery: caching, ETags and byte ranges (RFC 9110, RFC 9111), and the errors that clients see.

use std::time::Duration;

use axum::http::header::{self, HeaderName};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum_extra::headers::{ETag, HeaderMapExt, IfNoneMatch};
use bytes::Bytes;
use pipeline::DemandError;
use plan::VideoId;
use store::CachePolicy;

use super::range::{RequestedRange, requested_range};

/// Content type of HLS playlists.
pub const PLAYLIST: &str = "application/vnd.apple.mpegurl";
/// Content type of WebVTT files.
pub const VTT: &str = "text/vtt; charset=utf-8";

/// Error of delivery, as far as a client sees it; details are in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DeliveryError {
    /// There is no such video, rendition or file: `404`.
    #[error("no such video, rendition or file")]
    NotFound,
    /// The file is not encoded yet; the client should ask again: `503`. It is never a 4xx, which players do not retry.
    #[error("the file is not encoded yet")]
    NotReady,
    /// The file will never be encoded, because newer playlists list another rendition instead: `410`.
    #[error("the rendition was replaced by another")]
    Gone,
    /// A store failed or did not answer: `503`.
    #[error("a store failed or did not answer")]
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
        tracing::error!(
            error = &error as &dyn std::error::Error,
            "a request for media failed because a store failed"
        );
        Self::Store
    }
}

impl IntoResponse for DeliveryError {
    fn into_response(self) -> Response {
        let no_store = (header::CACHE_CONTROL, "no-store");
        match self {
            Self::NotFound => (StatusCode::NOT_FOUND, [no_store], "not found\n").into_response(),
            Self::Gone => {
                let text = "replaced by another rendition; load the master playlist again\n";
                (StatusCode::GONE, [no_store], text).into_response()
            }
            Self::NotReady => {
                let headers = [no_store, (header::RETRY_AFTER, "1")];
                let text = "not encoded yet; try again in a second\n";
                (StatusCode::SERVICE_UNAVAILABLE, headers, text).into_response()
            }
            Self::Store => {
                let headers = [no_store, (header::RETRY_AFTER, "2")];
                let text = "the server's store did not answer; try again soon\n";
                (StatusCode::SERVICE_UNAVAILABLE, headers, text).into_response()
            }
        }
    }
}

/// Strong ETag: a hash of bytes that are sent unchanged.
pub fn strong_tag(bytes: &Bytes) -> String {
    format!("\"{}\"", &blake3::hash(bytes).to_hex()[..24])
}

/// Weak ETag: a hash of a text that may be compressed on its way.
pub fn weak_tag(bytes: &Bytes) -> String {
    format!("W/{}", strong_tag(bytes))
}

/// Body of a response, with everything that its headers tell caches and players.
pub struct Body {
    /// Video that the file belongs to; caches can drop all files of it by `Cache-Tag` or `Surrogate-Key`.
    pub video: VideoId,
    pub bytes: Bytes,
    pub content_type: &'static str,
    pub policy: CachePolicy,
    pub etag: String,
    /// Time for which the request waited for the file to be encoded. Players read it in `Server-Timing` and do not
    /// count it as bandwidth.
    pub made_in: Duration,
}

impl Body {
    /// Body of a text that is written anew for every request and cached for a short time.
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

    /// Response to a request with these headers: the body, a part of it, or `304`.
    pub fn respond(self, request: &HeaderMap) -> Response {
        let mut headers = HeaderMap::new();
        // All values that are set here are ASCII.
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
        match requested_range(request, &self.etag, total) {
            RequestedRange::Whole => (headers, self.bytes).into_response(),
            RequestedRange::Part(first, last) => {
                let part = self.bytes.slice(first as usize..last as usize + 1);
                set(
                    header::CONTENT_RANGE,
                    &format!("bytes {first}-{last}/{total}"),
                );
                (StatusCode::PARTIAL_CONTENT, headers, part).into_response()
            }
            RequestedRange::Beyond => {
                set(header::CONTENT_RANGE, &format!("bytes */{total}"));
                set(header::CACHE_CONTROL, "no-store");
                (StatusCode::RANGE_NOT_SATISFIABLE, headers).into_response()
            }
        }
    }
}

/// Whether `If-None-Match` names this ETag, by weak comparison (RFC 9110 §13.1.2).
pub fn is_match(request: &HeaderMap, etag: &str) -> bool {
    let (asked, etag) = (request.typed_get::<IfNoneMatch>(), etag.parse::<ETag>());
    matches!((asked, etag), (Some(asked), Ok(etag)) if !asked.precondition_passes(&etag))
}

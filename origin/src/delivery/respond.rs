//! Responses of delivery: caching, validators, ranges (RFC 9110, 9111).

use std::time::Duration;

use axum::http::header::{self, HeaderName};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use pipeline::DemandError;
use plan::VideoId;
use store::CachePolicy;

/// What a client of delivery sees of an error.
pub enum DeliveryError {
    /// No such video, rendition or file.
    NotFound,
    /// The segment is being made; ask again. Never a 4xx: players do not retry those.
    NotReady,
    /// The store did not answer.
    Store(store::Error),
}

impl From<DemandError> for DeliveryError {
    fn from(error: DemandError) -> Self {
        match error {
            DemandError::NotFound => Self::NotFound,
            DemandError::NotReady => Self::NotReady,
            DemandError::Store(error) => error.into(),
        }
    }
}

impl From<store::Error> for DeliveryError {
    fn from(error: store::Error) -> Self {
        match error {
            store::Error::NotFound => Self::NotFound,
            error => Self::Store(error),
        }
    }
}

impl IntoResponse for DeliveryError {
    fn into_response(self) -> Response {
        let no_store = (header::CACHE_CONTROL, "no-store");
        match self {
            Self::NotFound => (StatusCode::NOT_FOUND, [no_store], "not found\n").into_response(),
            Self::NotReady => {
                let headers = [no_store, (header::RETRY_AFTER, "1")];
                (StatusCode::SERVICE_UNAVAILABLE, headers, "not made yet\n").into_response()
            }
            Self::Store(error) => {
                tracing::error!(%error, "the store did not answer");
                let headers = [no_store, (header::RETRY_AFTER, "2")];
                (StatusCode::SERVICE_UNAVAILABLE, headers, "try again soon\n").into_response()
            }
        }
    }
}

/// A body with what caches need to know of it.
pub struct Body {
    pub video: VideoId,
    pub bytes: Bytes,
    pub content_type: &'static str,
    pub policy: CachePolicy,
    /// Time spent making it; told to players, so that it does not count as bandwidth.
    pub made_in: Duration,
}

impl Body {
    /// The response to a request with these headers.
    pub fn respond(self, request: &HeaderMap) -> Response {
        let tag = self.etag();
        let mut headers = HeaderMap::new();
        let mut set = |name: HeaderName, value: String| {
            if let Ok(value) = HeaderValue::from_str(&value) {
                headers.insert(name, value);
            }
        };
        set(header::ETAG, tag.clone());
        set(
            header::CACHE_CONTROL,
            self.policy.cache_control().to_owned(),
        );
        set(HeaderName::from_static("cache-tag"), self.video.to_string());
        set(
            HeaderName::from_static("surrogate-key"),
            self.video.to_string(),
        );
        set(
            HeaderName::from_static("timing-allow-origin"),
            "*".to_owned(),
        );
        if !self.made_in.is_zero() {
            let timing = format!("make;dur={}", self.made_in.as_millis());
            set(HeaderName::from_static("server-timing"), timing);
        }
        if is_match(request, &tag) {
            return (StatusCode::NOT_MODIFIED, headers).into_response();
        }
        set(header::CONTENT_TYPE, self.content_type.to_owned());
        set(header::ACCEPT_RANGES, "bytes".to_owned());
        let total = self.bytes.len() as u64;
        match range(request, total) {
            Asked::Whole => (headers, self.bytes).into_response(),
            Asked::Part(first, last) => {
                set(
                    header::CONTENT_RANGE,
                    format!("bytes {first}-{last}/{total}"),
                );
                let part = self.bytes.slice(first as usize..last as usize + 1);
                (StatusCode::PARTIAL_CONTENT, headers, part).into_response()
            }
            Asked::Beyond => {
                set(header::CONTENT_RANGE, format!("bytes */{total}"));
                (StatusCode::RANGE_NOT_SATISFIABLE, headers).into_response()
            }
        }
    }

    /// Strong for what never changes; weak for text, which is compressed on its way.
    fn etag(&self) -> String {
        let hash = &blake3::hash(&self.bytes).to_hex()[..24];
        match self.policy {
            CachePolicy::Immutable if !self.content_type.starts_with("application/vnd") => {
                format!("\"{hash}\"")
            }
            _ => format!("W/\"{hash}\""),
        }
    }
}

/// `If-None-Match` by weak comparison (RFC 9110 §13.1.2).
fn is_match(request: &HeaderMap, tag: &str) -> bool {
    let opaque = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
    let values = request
        .get_all(header::IF_NONE_MATCH)
        .iter()
        .filter_map(|v| v.to_str().ok());
    let mut tags = values.flat_map(|value| value.split(','));
    tags.any(|asked| asked.trim() == "*" || opaque(asked) == opaque(tag))
}

enum Asked {
    Whole,
    Part(u64, u64),
    Beyond,
}

/// One byte range (RFC 9110 §14.2); several are answered with the whole, as is allowed.
fn range(request: &HeaderMap, total: u64) -> Asked {
    let value = request.get(header::RANGE).and_then(|v| v.to_str().ok());
    // A validator that we did not hand out with these bytes voids the range; whole is right.
    let conditional = request.contains_key(header::IF_RANGE);
    let Some(spec) = value
        .and_then(|v| v.strip_prefix("bytes="))
        .filter(|_| !conditional)
    else {
        return Asked::Whole;
    };
    let Some((first, last)) = spec.split_once('-').filter(|_| !spec.contains(',')) else {
        return Asked::Whole;
    };
    match (first.trim().parse::<u64>(), last.trim().parse::<u64>()) {
        (Ok(first), _) if first >= total => Asked::Beyond,
        (Ok(first), Ok(last)) if last < first => Asked::Whole,
        (Ok(first), Ok(last)) => Asked::Part(first, last.min(total - 1)),
        (Ok(first), Err(_)) if last.trim().is_empty() => Asked::Part(first, total - 1),
        (Err(_), Ok(0)) if first.trim().is_empty() => Asked::Beyond,
        (Err(_), Ok(suffix)) if first.trim().is_empty() && total > 0 => {
            Asked::Part(total.saturating_sub(suffix), total - 1)
        }
        _ => Asked::Whole,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(range: &str) -> (StatusCode, Option<String>) {
        let body = Body {
            video: "video_01h455vb4pex5vsknk084sn02q".parse().unwrap(),
            bytes: Bytes::from_static(b"0123456789"),
            content_type: "video/mp4",
            policy: CachePolicy::Immutable,
            made_in: Duration::ZERO,
        };
        let mut headers = HeaderMap::new();
        headers.insert(header::RANGE, range.parse().unwrap());
        let response = body.respond(&headers);
        let content_range = response.headers().get(header::CONTENT_RANGE);
        (
            response.status(),
            content_range.map(|v| v.to_str().unwrap().to_owned()),
        )
    }

    #[test]
    fn ranges_are_cut_at_the_end_and_refused_beyond_it() {
        for (asked, part) in [
            ("bytes=0-3", "bytes 0-3/10"),
            ("bytes=8-", "bytes 8-9/10"),
            ("bytes=5-99", "bytes 5-9/10"),
            ("bytes=-3", "bytes 7-9/10"),
            ("bytes=-99", "bytes 0-9/10"),
        ] {
            assert_eq!(
                answer(asked),
                (StatusCode::PARTIAL_CONTENT, Some(part.into())),
                "{asked}"
            );
        }
        assert_eq!(
            answer("bytes=10-"),
            (StatusCode::RANGE_NOT_SATISFIABLE, Some("bytes */10".into()))
        );
        for asked in ["bytes=3-1", "bytes=0-1,4-5", "lines=0-1", "bytes=a-b"] {
            assert_eq!(answer(asked).0, StatusCode::OK, "{asked}");
        }
    }
}

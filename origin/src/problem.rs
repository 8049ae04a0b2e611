//! Errors of the API as problem documents (RFC 9457), each with a stable code.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

/// A problem document.
#[derive(Debug, Serialize, ToSchema)]
pub struct Problem {
    /// Always `about:blank`: `code` says what it is.
    #[serde(rename = "type")]
    kind: &'static str,
    /// The status in words.
    title: &'static str,
    /// The HTTP status.
    status: u16,
    /// Stable, for programs.
    #[schema(example = "not_found")]
    code: &'static str,
    /// One sentence, for people.
    detail: String,
}

impl Problem {
    /// A problem with its status, stable code and one sentence.
    pub fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        Self {
            kind: "about:blank",
            title: status.canonical_reason().unwrap_or("Error"),
            status: status.as_u16(),
            code,
            detail: detail.into(),
        }
    }

    /// There is no such video, or the asker may not know of it.
    pub fn not_found() -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "not_found",
            "There is no such video.",
        )
    }

    /// There is no such upload, or the asker may not know of it.
    pub fn no_upload() -> Self {
        let detail = "There is no such upload.";
        Self::new(StatusCode::NOT_FOUND, "not_found", detail)
    }

    /// Nobody is known by what came with the request.
    pub fn unauthorized(detail: &str) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "unauthorized", detail)
    }

    /// What came in the query or path cannot be understood.
    pub fn bad_request(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "bad_request", detail)
    }

    /// The body has no bytes.
    pub fn empty() -> Self {
        let detail = "The body is empty: there is no media in it.";
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "not_media", detail)
    }

    /// The body ended before it was whole.
    pub fn cut_off() -> Self {
        let detail = "The upload was cut off before its last byte; nothing of it was kept.";
        Self::new(StatusCode::BAD_REQUEST, "upload_lost", detail)
    }

    /// Nothing more of the body came.
    pub fn standstill() -> Self {
        let detail = "Nothing came for a minute; nothing of the upload was kept.";
        Self::new(StatusCode::REQUEST_TIMEOUT, "upload_lost", detail)
    }

    /// More bytes than are taken.
    pub fn too_large(limit: u64) -> Self {
        let detail = format!("At most {limit} bytes are taken.");
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "limit_size", detail)
    }

    /// Not every block has been put.
    pub fn incomplete(there: u64) -> Self {
        let detail = format!("Only the first {there} bytes are there.");
        Self::new(StatusCode::CONFLICT, "incomplete", detail)
    }

    /// Senders do not reach the object store.
    pub fn not_direct() -> Self {
        let detail = "Sources are taken by POST /api/v1/videos only.";
        Self::new(StatusCode::NOT_FOUND, "not_direct", detail)
    }

    /// The disk is full.
    pub fn no_space() -> Self {
        let detail = "No space is left where media is stored.";
        Self::new(StatusCode::INSUFFICIENT_STORAGE, "no_space", detail)
    }

    /// Too many do the same at once.
    pub fn busy() -> Self {
        let detail = "Too many do this at once; please try again soon.";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "busy", detail)
    }

    /// Its status.
    pub fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// Its sentence.
    pub fn detail(&self) -> &str {
        &self.detail
    }
}

impl From<store::Error> for Problem {
    fn from(error: store::Error) -> Self {
        match error {
            store::Error::NotFound => Self::not_found(),
            store::Error::NoSpace => Self::no_space(),
            error if error.is_away() => {
                tracing::warn!(error = &error as &dyn std::error::Error, "a store is away");
                let detail = "The store did not answer; please try again soon.";
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", detail)
            }
            error => {
                tracing::error!(error = &error as &dyn std::error::Error, "a store failed");
                let detail =
                    "The server's store does not do what it is asked to; its log says why.";
                Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", detail)
            }
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = self.status();
        // Strings and a number: this cannot fail.
        let body = serde_json::to_string(&self).unwrap_or_default();
        let mut response = (status, body).into_response();
        let headers = response.headers_mut();
        let mut set = |name, value| headers.insert(name, HeaderValue::from_static(value));
        set(header::CONTENT_TYPE, "application/problem+json");
        set(header::CACHE_CONTROL, "no-store");
        match status {
            StatusCode::SERVICE_UNAVAILABLE => set(header::RETRY_AFTER, "2"),
            StatusCode::UNAUTHORIZED => set(header::WWW_AUTHENTICATE, "Bearer"),
            _ => None,
        };
        response
    }
}

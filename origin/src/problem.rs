//! Errors of the API as problem documents (RFC 9457), each with a stable code for programs and a sentence for people.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

/// Error as a problem document (RFC 9457).
#[derive(Debug, Serialize, ToSchema)]
pub struct Problem {
    /// Always `about:blank`; the kind of error is in `code`.
    #[serde(rename = "type")]
    kind: &'static str,
    /// Name of the HTTP status.
    title: &'static str,
    /// HTTP status.
    status: u16,
    /// Kind of error, for programs; a code never changes its meaning.
    #[schema(example = "not_found")]
    code: &'static str,
    /// Explanation of the error in one sentence that people read.
    detail: String,
}

impl Problem {
    /// Problem with an HTTP status, a stable code and a sentence for people.
    pub fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        Self {
            kind: "about:blank",
            title: status.canonical_reason().unwrap_or("Error"),
            status: status.as_u16(),
            code,
            detail: detail.into(),
        }
    }

    /// `404`: the video does not exist, or the client may not see it.
    pub fn not_found() -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "not_found",
            "There is no such video.",
        )
    }

    /// `404`: the upload does not exist, or the client may not see it.
    pub fn no_upload() -> Self {
        let detail = "There is no such upload.";
        Self::new(StatusCode::NOT_FOUND, "not_found", detail)
    }

    /// `401`: the request has no valid token or sign-in.
    pub fn unauthorized(detail: &str) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "unauthorized", detail)
    }

    /// `400`: the query, the path or a form cannot be read.
    pub fn bad_request(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "bad_request", detail)
    }

    /// `422`: the body of an upload is empty.
    pub fn empty() -> Self {
        let detail = "The upload is empty.";
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "not_media", detail)
    }

    /// `400`: the connection broke before the whole body had arrived.
    pub fn cut_off() -> Self {
        let detail = "The connection ended before the whole upload had arrived; nothing of it was kept. Please \
                      upload it again.";
        Self::new(StatusCode::BAD_REQUEST, "upload_lost", detail)
    }

    /// `408`: no further byte of the body has arrived for a minute.
    pub fn standstill() -> Self {
        let detail =
            "No data arrived for a minute; nothing of the upload was kept. Please upload it again.";
        Self::new(StatusCode::REQUEST_TIMEOUT, "upload_lost", detail)
    }

    /// `413`: the body is larger than `limit` bytes.
    pub fn too_large(limit: u64) -> Self {
        let detail = format!("The file is too large: at most {limit} bytes are accepted.");
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "limit_size", detail)
    }

    /// `409`: the upload cannot be completed, because blocks are missing after the first `there` bytes.
    pub fn incomplete(there: u64) -> Self {
        let detail =
            format!("The upload is not complete: only its first {there} bytes are stored.");
        Self::new(StatusCode::CONFLICT, "incomplete", detail)
    }

    /// `404`: this server does not let clients upload to the object store directly.
    pub fn not_direct() -> Self {
        let detail = "This server accepts uploads by POST /api/v1/videos only.";
        Self::new(StatusCode::NOT_FOUND, "not_direct", detail)
    }

    /// `507`: the disk is full.
    pub fn no_space() -> Self {
        let detail = "The server has no space left for media.";
        Self::new(StatusCode::INSUFFICIENT_STORAGE, "no_space", detail)
    }

    /// `503`: too many clients do the same at once.
    pub fn busy() -> Self {
        let detail =
            "The server has too many requests of this kind at once; please try again soon.";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "busy", detail)
    }

    /// HTTP status of the response.
    pub fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// Sentence for people.
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
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "a store did not answer"
                );
                let detail = "The server's store did not answer; please try again soon.";
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", detail)
            }
            error => {
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "a request failed because a store failed"
                );
                let detail = "The server's store failed; the server's log says why.";
                Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", detail)
            }
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = self.status();
        // A problem has only strings and a number, so serializing it cannot fail.
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

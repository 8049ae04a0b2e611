//! Errors of the API as problem documents (RFC 9457), each with a stable code.

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

/// A problem document.
#[derive(Debug)]
pub struct Problem {
    status: StatusCode,
    code: &'static str,
    detail: String,
}

impl Problem {
    /// A problem with its status, stable code and one sentence.
    pub fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        Self {
            status,
            code,
            detail: detail.into(),
        }
    }

    /// There is no such thing, or the asker may not know of it.
    pub fn not_found() -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "not_found",
            "There is no such video.",
        )
    }
}

impl From<store::Error> for Problem {
    fn from(error: store::Error) -> Self {
        match error {
            store::Error::NotFound => Self::not_found(),
            store::Error::NoSpace => no_space(),
            error => {
                tracing::error!(%error, "the store did not answer");
                Self::new(
                    StatusCode::SERVICE_UNAVAILABLE,
                    "unavailable",
                    "Please try again soon.",
                )
            }
        }
    }
}

impl From<pipeline::UploadError> for Problem {
    fn from(error: pipeline::UploadError) -> Self {
        match error {
            pipeline::UploadError::TooLarge { limit } => Self::new(
                StatusCode::PAYLOAD_TOO_LARGE,
                "limit_size",
                format!("At most {limit} bytes are taken."),
            ),
            pipeline::UploadError::NoSpace => no_space(),
            pipeline::UploadError::Store(error) => error.into(),
        }
    }
}

fn no_space() -> Problem {
    let detail = "No space is left where media is stored.";
    Problem::new(StatusCode::INSUFFICIENT_STORAGE, "no_space", detail)
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = json!({
            "type": "about:blank",
            "title": self.status.canonical_reason().unwrap_or("Error"),
            "status": self.status.as_u16(),
            "code": self.code,
            "detail": self.detail,
        });
        let content_type = [(header::CONTENT_TYPE, "application/problem+json")];
        (self.status, content_type, body.to_string()).into_response()
    }
}

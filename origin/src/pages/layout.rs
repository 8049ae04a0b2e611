//! What all pages share: their content security policy, the page of a message, and how times are written.

use askama::Template;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{Html, IntoResponse, Response};
use store::metadata::{State as VideoState, VideoRow};

use crate::app::App;

/// Content security policy of all pages: everything comes from this server. Media Source Extensions need `blob:`,
/// hls.js starts a worker from a `blob:`, and Media Chrome has inline styles in its shadow trees.
const CONTENT_SECURITY_POLICY: &str = "default-src 'self'; media-src 'self' blob: data:; \
    worker-src 'self' blob:; img-src 'self' data:; style-src 'self' 'unsafe-inline'; \
    object-src 'none'; base-uri 'none'; frame-ancestors 'self'; form-action 'self'";

/// Content security policy of the pages; it also allows requests to the object store if browsers upload directly to it.
pub fn content_security_policy(app: &App) -> HeaderValue {
    let direct = app.settings.direct_endpoint.iter();
    let policy = direct.fold(CONTENT_SECURITY_POLICY.to_owned(), |policy, endpoint| {
        format!("{policy}; connect-src 'self' {endpoint}")
    });
    // An endpoint that cannot be a header value is not a URL either, so browsers cannot upload to it anyway.
    HeaderValue::try_from(policy).unwrap_or(HeaderValue::from_static(CONTENT_SECURITY_POLICY))
}

/// Response with a rendered page.
pub fn page(template: &impl Template) -> Response {
    match template.render() {
        Ok(html) => Html(html).into_response(),
        Err(error) => {
            tracing::error!(%error, "a page could not be rendered");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

#[derive(Template)]
#[template(path = "message.html")]
struct Message<'a> {
    title: &'a str,
    text: &'a str,
}

/// Response with a page that has only a title and a sentence.
pub fn message(status: StatusCode, title: &str, text: &str) -> Response {
    (status, page(&Message { title, text })).into_response()
}

/// Page for paths that do not exist: `404`.
pub async fn missing() -> Response {
    let text = "There is no page at this address.";
    message(StatusCode::NOT_FOUND, "Page not found", text)
}

/// Whether a video is known to have no picture.
pub fn is_sound(row: &VideoRow) -> bool {
    matches!(row.state, VideoState::Playable | VideoState::Ready) && row.width_px.is_none()
}

/// Formats microseconds as `M:SS` or `H:MM:SS`.
pub fn clock(us: i64) -> String {
    let seconds = us / 1_000_000;
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    match hours {
        0 => format!("{minutes}:{seconds:02}"),
        _ => format!("{hours}:{minutes:02}:{seconds:02}"),
    }
}

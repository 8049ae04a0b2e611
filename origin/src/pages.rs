//! The pages, rendered here; scripts add to them what needs scripts.

mod assets;
mod codecs;
mod home;
mod loudness;
mod remake;
mod retry;
mod sign_in;
mod texts;
mod upload;
mod watch;

pub use assets::asset;
pub use codecs::add as add_codec;
pub use home::home;
pub use remake::start as start_remake;
pub use retry::retry;
pub use sign_in::{exchange, sign_in, sign_out};
pub use texts::{add as add_text, remove as remove_text};
pub use upload::upload;
pub use watch::watch;

use askama::Template;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{Html, IntoResponse, Response};

use store::metadata::{State as VideoState, VideoRow};

use crate::app::App;

/// Everything comes from here; Media Source needs `blob:`, hls.js a worker of its own making,
/// Media Chrome inline styles in its shadow trees.
const CONTENT_SECURITY_POLICY: &str = "default-src 'self'; media-src 'self' blob: data:; \
    worker-src 'self' blob:; img-src 'self' data:; style-src 'self' 'unsafe-inline'; \
    object-src 'none'; base-uri 'none'; frame-ancestors 'self'; form-action 'self'";

/// What pages may fetch, besides where they may put sources.
pub fn content_security_policy(app: &App) -> HeaderValue {
    let direct = app.settings.direct_endpoint.iter();
    let policy = direct.fold(CONTENT_SECURITY_POLICY.to_owned(), |policy, endpoint| {
        format!("{policy}; connect-src 'self' {endpoint}")
    });
    // An endpoint that is no header value is no URL either: nothing can be put there.
    HeaderValue::try_from(policy).unwrap_or(HeaderValue::from_static(CONTENT_SECURITY_POLICY))
}

/// A rendered page.
pub fn page(template: &impl Template) -> Response {
    match template.render() {
        Ok(html) => Html(html).into_response(),
        Err(error) => {
            tracing::error!(%error, "a page cannot be rendered");
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

fn message(status: StatusCode, title: &str, text: &str) -> Response {
    (status, page(&Message { title, text })).into_response()
}

/// Whatever is nowhere.
pub async fn missing() -> Response {
    message(StatusCode::NOT_FOUND, "Not here", "There is no such page.")
}

/// Whether a video has no picture, as far as is known.
fn is_sound(row: &VideoRow) -> bool {
    matches!(row.state, VideoState::Playable | VideoState::Ready) && row.width_px.is_none()
}

/// `M:SS` or `H:MM:SS`.
fn clock(us: i64) -> String {
    let seconds = us / 1_000_000;
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    match hours {
        0 => format!("{minutes}:{seconds:02}"),
        _ => format!("{hours}:{minutes:02}:{seconds:02}"),
    }
}

//! Upload form for browsers without scripts.

use axum::extract::multipart::MultipartError;
use axum::extract::{Multipart, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};

use super::layout::message;
use crate::access::Authenticated;
use crate::app::App;
use crate::problem::Problem;
use crate::receive::receive;

/// `POST /upload`: receives the form's file as a new video and redirects to its watch page. Refusals are shown on a
/// page.
pub async fn upload(
    State(app): State<App>,
    known: Result<Authenticated, Problem>,
    form: Multipart,
) -> Response {
    let received = match known {
        Ok(known) => receive_file(&app, known, form).await,
        Err(problem) => Err(problem),
    };
    match received {
        Ok(watch) => Redirect::to(&watch).into_response(),
        Err(problem) => message(problem.status(), "Not uploaded", problem.detail()),
    }
}

/// Receives the form's file and returns the path of its watch page.
async fn receive_file(
    app: &App,
    Authenticated(principal): Authenticated,
    mut form: Multipart,
) -> Result<String, Problem> {
    while let Some(field) = form.next_field().await.map_err(malformed)? {
        if field.name() != Some("file") {
            continue;
        }
        let name = field.file_name().unwrap_or_default().to_owned();
        let title = name.rsplit_once('.').map_or(&*name, |(stem, _)| stem);
        let row = receive(app, principal, title, None, field).await?;
        return Ok(format!("/watch/{}", row.id));
    }
    Err(Problem::empty())
}

/// Problem of a form that cannot be read.
fn malformed(error: MultipartError) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, "bad_request", error.body_text())
}

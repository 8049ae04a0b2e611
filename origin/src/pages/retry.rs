//! Retry on the watch page: the form by which the owner of a failed video has it processed again.

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};

use super::layout::message;
use crate::access::Authenticated;
use crate::api::owned;
use crate::app::App;
use crate::problem::Problem;

/// `POST /watch/{video}/retry`: retries a failed video and redirects to the watch page. Refusals are shown on a page.
pub async fn retry(
    State(app): State<App>,
    known: Result<Authenticated, Problem>,
    Path(video): Path<String>,
) -> Response {
    let tried = async {
        let row = owned(&app, &known?.0, &video).await?;
        app.retry(&row).await
    };
    match tried.await {
        Ok(()) => Redirect::to(&format!("/watch/{video}")).into_response(),
        Err(problem) => message(problem.status(), "Not retried", problem.detail()),
    }
}

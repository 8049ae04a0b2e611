//! `POST /watch/{video}/retry`: the plain form on a failed video's page, by which its owner has it tried again.

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};

use super::message;
use crate::access::Known;
use crate::api::owned;
use crate::app::App;
use crate::problem::Problem;

/// Has it tried again and leads back to the page.
pub async fn retry(
    State(app): State<App>,
    known: Result<Known, Problem>,
    Path(video): Path<String>,
) -> Response {
    let tried = async {
        let row = owned(&app, &known?.0, &video).await?;
        app.retry(&row).await
    };
    match tried.await {
        Ok(()) => Redirect::to(&format!("/watch/{video}")).into_response(),
        Err(problem) => message(problem.status(), "Not tried again", problem.detail()),
    }
}

//! `POST /api/v1/videos/{video}/retry`

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;

use super::owned;
use crate::access::Known;
use crate::api::video::Video;
use crate::app::App;
use crate::problem::Problem;

/// Try a failed video again
///
/// A video that failed though its source is complete is begun anew, with its id. One that failed for lack of space is
/// tried again by itself when there is space.
#[utoipa::path(
    post,
    path = "/api/v1/videos/{video}/retry",
    tag = "videos",
    params(("video" = String, Path, description = "Its id")),
    responses(
        (status = 202, description = "It is tried again", body = Video),
        (status = 401, description = "`unauthorized`", body = Problem),
        (status = 404, description = "`not_found`", body = Problem),
        (status = 409, description = "`not_failed`: there is nothing to try again; `source_gone`: not all of its source is there", body = Problem),
    ),
    security(("token" = [])),
)]
pub async fn retry(
    State(app): State<App>,
    Known(principal): Known,
    Path(video): Path<String>,
) -> Result<(StatusCode, Json<Video>), Problem> {
    let row = owned(&app, &principal, &video).await?;
    app.retry(&row).await?;
    let row = owned(&app, &principal, &video).await?;
    Ok((StatusCode::ACCEPTED, Json(Video::of(&app, row).await?)))
}

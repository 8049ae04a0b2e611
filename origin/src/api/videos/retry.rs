//! `POST /api/v1/videos/{video}/retry`: retries a failed video.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;

use super::owned;
use crate::access::Authenticated;
use crate::api::video::Video;
use crate::app::App;
use crate::problem::Problem;

/// Retry a failed video
///
/// A failed video whose upload is complete is processed again from the beginning, under the same id. A video that
/// failed because the server had no space is retried automatically once there is space.
#[utoipa::path(
    post,
    path = "/api/v1/videos/{video}/retry",
    tag = "videos",
    params(("video" = String, Path, description = "Id of the video")),
    responses(
        (status = 202, description = "The video is processed again", body = Video),
        (status = 401, description = "`unauthorized`: the request has no valid token or sign-in", body = Problem),
        (status = 404, description = "`not_found`: there is no such video", body = Problem),
        (status = 409, description = "`not_failed`: the video did not fail; `source_gone`: the upload is not complete", body = Problem),
    ),
    security(("token" = [])),
)]
pub async fn retry(
    State(app): State<App>,
    Authenticated(principal): Authenticated,
    Path(video): Path<String>,
) -> Result<(StatusCode, Json<Video>), Problem> {
    let row = owned(&app, &principal, &video).await?;
    app.retry(&row).await?;
    let row = owned(&app, &principal, &video).await?;
    Ok((StatusCode::ACCEPTED, Json(Video::of(&app, row).await?)))
}

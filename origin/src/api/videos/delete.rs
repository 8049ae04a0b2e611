//! `DELETE /api/v1/videos/{video}`: deletes a video.

use axum::extract::{Path, State};
use axum::http::StatusCode;

use super::owned;
use crate::access::Authenticated;
use crate::app::App;
use crate::problem::Problem;

/// Delete a video
///
/// Players cannot load the video any more at once; its files are deleted soon after.
#[utoipa::path(
    delete,
    path = "/api/v1/videos/{video}",
    tag = "videos",
    params(("video" = String, Path, description = "Id of the video")),
    responses(
        (status = 204, description = "The video is deleted"),
        (status = 401, description = "`unauthorized`: the request has no valid token or sign-in", body = Problem),
        (status = 404, description = "`not_found`: there is no such video", body = Problem),
    ),
    security(("token" = [])),
)]
pub async fn delete(
    State(app): State<App>,
    Authenticated(principal): Authenticated,
    Path(video): Path<String>,
) -> Result<StatusCode, Problem> {
    let row = owned(&app, &principal, &video).await?;
    app.pipeline.videos().delete(row.id).await?;
    app.existing_videos.forget(row.id).await;
    Ok(StatusCode::NO_CONTENT)
}

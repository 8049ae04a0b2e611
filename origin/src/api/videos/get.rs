//! `GET /api/v1/videos/{video}`: shows a video.

use axum::Json;
use axum::extract::{Path, State};

use super::owned;
use crate::access::Authenticated;
use crate::api::video::Video;
use crate::app::App;
use crate::problem::Problem;

/// Show a video
#[utoipa::path(
    get,
    path = "/api/v1/videos/{video}",
    tag = "videos",
    params(("video" = String, Path, description = "Id of the video")),
    responses(
        (status = 200, body = Video),
        (status = 401, description = "`unauthorized`: the request has no valid token or sign-in", body = Problem),
        (status = 404, description = "`not_found`: there is no such video", body = Problem),
    ),
    security(("token" = [])),
)]
pub async fn get(
    State(app): State<App>,
    Authenticated(principal): Authenticated,
    Path(video): Path<String>,
) -> Result<Json<Video>, Problem> {
    let row = owned(&app, &principal, &video).await?;
    Ok(Json(Video::of(&app, row).await?))
}

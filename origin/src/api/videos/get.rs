//! `GET /api/v1/videos/{video}`

use axum::Json;
use axum::extract::{Path, State};

use super::owned;
use crate::access::Known;
use crate::api::video::Video;
use crate::app::App;
use crate::problem::Problem;

/// Look at a video
#[utoipa::path(
    get,
    path = "/api/v1/videos/{video}",
    tag = "videos",
    params(("video" = String, Path, description = "Its id")),
    responses(
        (status = 200, body = Video),
        (status = 401, description = "`unauthorized`", body = Problem),
        (status = 404, description = "`not_found`", body = Problem),
    ),
    security(("token" = [])),
)]
pub async fn get(
    State(app): State<App>,
    Known(principal): Known,
    Path(video): Path<String>,
) -> Result<Json<Video>, Problem> {
    let row = owned(&app, &principal, &video).await?;
    Ok(Json(Video::of(&app, row).await?))
}

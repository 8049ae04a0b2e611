//! `GET /api/v1/videos/{video}/text`: lists the subtitles of a video.

use axum::Json;
use axum::extract::{Path, State};
use serde::Serialize;
use utoipa::ToSchema;

use super::Text;
use crate::access::Authenticated;
use crate::api::videos::owned;
use crate::app::App;
use crate::problem::Problem;

/// Subtitles of a video.
#[derive(Serialize, ToSchema)]
pub struct Texts {
    /// Subtitles of the uploaded video, once they are extracted, then subtitle files that were added.
    texts: Vec<Text>,
}

/// List subtitles
///
/// The list has all subtitles that players offer: those of the uploaded video, and subtitle files that were added.
#[utoipa::path(
    get,
    path = "/api/v1/videos/{video}/text",
    tag = "text",
    params(("video" = String, Path, description = "Id of the video")),
    responses(
        (status = 200, body = Texts),
        (status = 401, description = "`unauthorized`: the request has no valid token or sign-in", body = Problem),
        (status = 404, description = "`not_found`: there is no such video", body = Problem),
    ),
    security(("token" = [])),
)]
pub async fn list(
    State(app): State<App>,
    Authenticated(principal): Authenticated,
    Path(video): Path<String>,
) -> Result<Json<Texts>, Problem> {
    let row = owned(&app, &principal, &video).await?;
    let plan = app.pipeline.videos().plan_of(&row).await?;
    let texts = plan.map_or_else(Vec::new, |plan| Text::all(&app, row.id, &plan));
    Ok(Json(Texts { texts }))
}

//! `DELETE /api/v1/videos/{video}/text/{language}`: removes a subtitle file from a video.

use axum::extract::{Path, State};
use axum::http::StatusCode;

use crate::access::Authenticated;
use crate::api::videos::owned;
use crate::app::App;
use crate::problem::Problem;
use crate::side_car;

/// Remove a subtitle file
///
/// Players that are opened from now on do not offer the file. Subtitles of the uploaded video stay.
#[utoipa::path(
    delete,
    path = "/api/v1/videos/{video}/text/{language}",
    tag = "text",
    params(
        ("video" = String, Path, description = "Id of the video"),
        ("language" = String, Path, description = "Language tag of the file"),
    ),
    responses(
        (status = 204, description = "The file is removed"),
        (status = 400, description = "`bad_language`: the language tag is unknown", body = Problem),
        (status = 401, description = "`unauthorized`: the request has no valid token or sign-in", body = Problem),
        (status = 404, description = "`not_found`: there is no such video, or no file in this language", body = Problem),
        (status = 409, description = "`not_playable`: the video is not playable yet; `failed`: the video failed", body = Problem),
    ),
    security(("token" = [])),
)]
pub async fn delete(
    State(app): State<App>,
    Authenticated(principal): Authenticated,
    Path((video, language)): Path<(String, String)>,
) -> Result<StatusCode, Problem> {
    let row = owned(&app, &principal, &video).await?;
    let language = side_car::language_of(&language)?;
    app.pipeline
        .videos()
        .remove_side_car(row.id, &language)
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

//! `DELETE /api/v1/videos/{video}/text/{language}`

use axum::extract::{Path, State};
use axum::http::StatusCode;

use crate::access::Known;
use crate::api::videos::owned;
use crate::app::App;
use crate::problem::Problem;
use crate::side_car;

/// Take a text file away
///
/// Players that are opened from now on do not offer it; text of the source stays.
#[utoipa::path(
    delete,
    path = "/api/v1/videos/{video}/text/{language}",
    tag = "text",
    params(
        ("video" = String, Path, description = "Its id"),
        ("language" = String, Path, description = "Its tag"),
    ),
    responses(
        (status = 204, description = "Taken away"),
        (status = 400, description = "`bad_language`", body = Problem),
        (status = 401, description = "`unauthorized`", body = Problem),
        (status = 404, description = "`not_found`: no such video, or no file in that language", body = Problem),
        (status = 409, description = "`not_playable`, `failed`", body = Problem),
    ),
    security(("token" = [])),
)]
pub async fn delete(
    State(app): State<App>,
    Known(principal): Known,
    Path((video, language)): Path<(String, String)>,
) -> Result<StatusCode, Problem> {
    let row = owned(&app, &principal, &video).await?;
    let language = side_car::language_of(&language)?;
    app.pipeline.remove_side_car(row.id, &language).await?;
    Ok(StatusCode::NO_CONTENT)
}

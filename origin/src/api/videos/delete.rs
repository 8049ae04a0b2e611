//! `DELETE /api/v1/videos/{video}`

use axum::extract::{Path, State};
use axum::http::StatusCode;

use super::owned;
use crate::access::Known;
use crate::app::App;
use crate::problem::Problem;

/// Delete a video
///
/// It is gone for players at once, and its bytes soon after.
#[utoipa::path(
    delete,
    path = "/api/v1/videos/{video}",
    tag = "videos",
    params(("video" = String, Path, description = "Its id")),
    responses(
        (status = 204, description = "Deleted"),
        (status = 401, description = "`unauthorized`", body = Problem),
        (status = 404, description = "`not_found`", body = Problem),
    ),
    security(("token" = [])),
)]
pub async fn delete(
    State(app): State<App>,
    Known(principal): Known,
    Path(video): Path<String>,
) -> Result<StatusCode, Problem> {
    let row = owned(&app, &principal, &video).await?;
    app.pipeline.delete(row.id).await?;
    app.living.forget(row.id).await;
    Ok(StatusCode::NO_CONTENT)
}

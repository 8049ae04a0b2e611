//! `GET /api/v1/videos/{video}/text`

use axum::Json;
use axum::extract::{Path, State};
use serde::Serialize;
use utoipa::ToSchema;

use super::Text;
use crate::access::Known;
use crate::api::videos::owned;
use crate::app::App;
use crate::problem::Problem;

/// Text of a video.
#[derive(Serialize, ToSchema)]
pub struct Texts {
    /// That of the source, once it is extracted, then files.
    texts: Vec<Text>,
}

/// List text
///
/// What players offer: the source's own text tracks, and files that were put beside it.
#[utoipa::path(
    get,
    path = "/api/v1/videos/{video}/text",
    tag = "text",
    params(("video" = String, Path, description = "Its id")),
    responses(
        (status = 200, body = Texts),
        (status = 401, description = "`unauthorized`", body = Problem),
        (status = 404, description = "`not_found`", body = Problem),
    ),
    security(("token" = [])),
)]
pub async fn list(
    State(app): State<App>,
    Known(principal): Known,
    Path(video): Path<String>,
) -> Result<Json<Texts>, Problem> {
    let row = owned(&app, &principal, &video).await?;
    let plan = app.pipeline.plan_of(&row).await?;
    let texts = plan.map_or_else(Vec::new, |plan| Text::all(&app, row.id, &plan));
    Ok(Json(Texts { texts }))
}

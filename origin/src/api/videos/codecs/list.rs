//! `GET /api/v1/videos/{video}/codecs`: lists the codecs of a video besides H.264.

use axum::Json;
use axum::extract::{Path, State};
use serde::Serialize;
use utoipa::ToSchema;

use super::Codec;
use crate::access::Authenticated;
use crate::api::videos::owned;
use crate::app::App;
use crate::problem::Problem;

/// Codecs of a video.
#[derive(Serialize, ToSchema)]
pub struct Codecs {
    /// Codecs besides H.264, which every video has.
    codecs: Vec<Codec>,
}

/// List codecs
///
/// The list has the codecs that the video has, or may get, besides H.264.
#[utoipa::path(
    get,
    path = "/api/v1/videos/{video}/codecs",
    tag = "codecs",
    params(("video" = String, Path, description = "Id of the video")),
    responses(
        (status = 200, body = Codecs),
        (status = 401, description = "`unauthorized`: the request has no valid token or sign-in", body = Problem),
        (status = 404, description = "`not_found`: there is no such video", body = Problem),
    ),
    security(("token" = [])),
)]
pub async fn list(
    State(app): State<App>,
    Authenticated(principal): Authenticated,
    Path(video): Path<String>,
) -> Result<Json<Codecs>, Problem> {
    let row = owned(&app, &principal, &video).await?;
    let codecs = Codec::all(&app, &row).await?;
    Ok(Json(Codecs { codecs }))
}

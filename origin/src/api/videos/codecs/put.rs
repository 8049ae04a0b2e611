//! `PUT /api/v1/videos/{video}/codecs/{codec}`

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use pipeline::CodecState;

use super::Codec;
use crate::access::Known;
use crate::api::videos::owned;
use crate::app::App;
use crate::lazy_codec;
use crate::problem::Problem;

/// Ask for a codec
///
/// The video is made in it too, when nothing else is to be made, which takes some times as long as
/// H.264 took. Players are offered it once all of it is there; H.264 stays. Once more changes nothing,
/// but tries again what had failed.
#[utoipa::path(
    put,
    path = "/api/v1/videos/{video}/codecs/{codec}",
    tag = "codecs",
    params(
        ("video" = String, Path, description = "Its id"),
        ("codec" = String, Path, description = "`hevc` or `av1`"),
    ),
    responses(
        (status = 200, description = "Players can choose it", body = Codec),
        (status = 202, description = "It is going to be made", body = Codec),
        (status = 401, description = "`unauthorized`", body = Problem),
        (status = 404, description = "`not_found`: no such video or codec", body = Problem),
        (status = 409, description = "`not_playable`: not yet; `failed`; `no_picture`", body = Problem),
    ),
    security(("token" = [])),
)]
pub async fn put(
    State(app): State<App>,
    Known(principal): Known,
    Path((video, codec)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let row = owned(&app, &principal, &video).await?;
    let codec = lazy_codec::named(&codec)?;
    app.pipeline.add_codec(row.id, codec).await?;
    let row = owned(&app, &principal, &video).await?;
    let states = app.pipeline.codecs(&row).await?;
    let state = states.into_iter().find(|(known, _)| *known == codec);
    let state = state.map_or(CodecState::Absent, |(_, state)| state);
    let status = match state {
        CodecState::Listed => StatusCode::OK,
        CodecState::Absent | CodecState::Pending(_) | CodecState::Failed => StatusCode::ACCEPTED,
    };
    Ok((status, Json(Codec::of(codec, state))).into_response())
}

//! `PUT /api/v1/videos/{video}/codecs/{codec}`: asks for a codec of a video besides H.264.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use pipeline::CodecState;

use super::Codec;
use crate::access::Authenticated;
use crate::api::videos::owned;
use crate::app::App;
use crate::lazy_codec;
use crate::problem::Problem;

/// Ask for a codec
///
/// The video is encoded in this codec too, when the server has nothing else to encode. That takes several times as long
/// as H.264 took. Players can choose the codec once the whole video is encoded in it; H.264 stays. Calling this again
/// retries an attempt that failed, and changes nothing otherwise.
#[utoipa::path(
    put,
    path = "/api/v1/videos/{video}/codecs/{codec}",
    tag = "codecs",
    params(
        ("video" = String, Path, description = "Id of the video"),
        ("codec" = String, Path, description = "`hevc` or `av1`"),
    ),
    responses(
        (status = 200, description = "Players can choose the codec already", body = Codec),
        (status = 202, description = "The video will be encoded in this codec", body = Codec),
        (status = 401, description = "`unauthorized`: the request has no valid token or sign-in", body = Problem),
        (status = 404, description = "`not_found`: there is no such video or codec", body = Problem),
        (status = 409, description = "`not_playable`: the video is not playable yet; `failed`: the video failed; `no_picture`: the video is sound alone", body = Problem),
    ),
    security(("token" = [])),
)]
pub async fn put(
    State(app): State<App>,
    Authenticated(principal): Authenticated,
    Path((video, codec)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let row = owned(&app, &principal, &video).await?;
    let codec = lazy_codec::named(&codec)?;
    app.pipeline.videos().add_codec(row.id, codec).await?;
    let row = owned(&app, &principal, &video).await?;
    let states = app.pipeline.videos().codecs(&row).await?;
    let state = states.into_iter().find(|(known, _)| *known == codec);
    let state = state.map_or(CodecState::Absent, |(_, state)| state);
    let status = match state {
        CodecState::Listed => StatusCode::OK,
        CodecState::Absent | CodecState::Pending(_) | CodecState::Failed => StatusCode::ACCEPTED,
    };
    Ok((status, Json(Codec::of(codec, state))).into_response())
}

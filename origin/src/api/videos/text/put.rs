//! `PUT /api/v1/videos/{video}/text/{language}`: adds a subtitle file to a video, or replaces one.

use axum::Json;
use axum::extract::{FromRequest, Path, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use serde::Deserialize;
use utoipa::IntoParams;

use super::Text;
use crate::access::Authenticated;
use crate::api::params::Params;
use crate::api::videos::owned;
use crate::app::App;
use crate::problem::Problem;
use crate::side_car;

#[derive(Deserialize, IntoParams)]
pub struct PutParams {
    /// Name in the menus of players, at most 60 characters; by default the name of the language.
    name: Option<String>,
}

/// Add a subtitle file to a video
///
/// The body is a SubRip (.srt) or WebVTT file of at most 4 MiB, in UTF-8, UTF-16 or another encoding that can be
/// guessed. It replaces the subtitle file of the same language; subtitles of the uploaded video stay. Players that are
/// opened from now on offer the file.
#[utoipa::path(
    put,
    path = "/api/v1/videos/{video}/text/{language}",
    tag = "text",
    params(
        ("video" = String, Path, description = "Id of the video"),
        ("language" = String, Path, description = "Language tag, such as `de` or `pt-BR`"),
        PutParams,
    ),
    request_body(content = Vec<u8>, content_type = "text/vtt"),
    responses(
        (status = 200, description = "The file replaced the one of the same language", body = Text),
        (status = 201, description = "The file was added", body = Text),
        (status = 400, description = "`bad_language`: the language tag is unknown; `upload_lost`: the upload was cut off", body = Problem),
        (status = 401, description = "`unauthorized`: the request has no valid token or sign-in", body = Problem),
        (status = 404, description = "`not_found`: there is no such video", body = Problem),
        (status = 409, description = "`not_playable`: the video is not playable yet; `failed`: the video failed; `limit_texts`: the video has too many subtitle files", body = Problem),
        (status = 413, description = "`limit_size`: the file is too large", body = Problem),
        (status = 422, description = "`not_text`: the file is not text; `no_cues`: it has no subtitles that are shown during the video; `limit_cues`: it has too many", body = Problem),
    ),
    security(("token" = [])),
)]
pub async fn put(
    State(app): State<App>,
    Authenticated(principal): Authenticated,
    Path((video, language)): Path<(String, String)>,
    Params(params): Params<PutParams>,
    request: Request,
) -> Result<Response, Problem> {
    let row = owned(&app, &principal, &video).await?;
    let language = side_car::language_of(&language)?;
    let seat = app.upload_seats.take(Some(principal.owner));
    let _seat = seat.ok_or_else(Problem::busy)?;
    let file = Bytes::from_request(request, &()).await;
    let file = file.map_err(|rejection| match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => Problem::too_large(side_car::MOST_BYTES as u64),
        _ => Problem::cut_off(),
    })?;
    let name = params.name.unwrap_or_default();
    let is_new = side_car::put(&app, &row, &language, &name, file).await?;
    let row = owned(&app, &principal, &video).await?;
    let plan = app.pipeline.videos().plan_of(&row).await?;
    let text = plan.and_then(|plan| Text::side_car(&app, row.id, &plan, &language));
    let text = text.ok_or_else(Problem::not_found)?;
    let status = match is_new {
        true => StatusCode::CREATED,
        false => StatusCode::OK,
    };
    Ok((status, Json(text)).into_response())
}

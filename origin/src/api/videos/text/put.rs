//! `PUT /api/v1/videos/{video}/text/{language}`

use axum::Json;
use axum::extract::{FromRequest, Path, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use serde::Deserialize;
use utoipa::IntoParams;

use super::Text;
use crate::access::Known;
use crate::api::params::Params;
use crate::api::videos::owned;
use crate::app::App;
use crate::problem::Problem;
use crate::side_car;

#[derive(Deserialize, IntoParams)]
pub struct PutParams {
    /// What menus show, in at most 60 characters; the language's own name unless said.
    name: Option<String>,
}

/// Put a text file beside a video
///
/// The body is SubRip (.srt) or WebVTT, in UTF-8, UTF-16 or an encoding that can be guessed, of
/// 4 MiB at most. It replaces the file of the same language; text of the source stays. Players
/// that are opened from now on offer it.
#[utoipa::path(
    put,
    path = "/api/v1/videos/{video}/text/{language}",
    tag = "text",
    params(
        ("video" = String, Path, description = "Its id"),
        ("language" = String, Path, description = "Its tag, such as `de` or `pt-BR`"),
        PutParams,
    ),
    request_body(content = Vec<u8>, content_type = "text/vtt"),
    responses(
        (status = 200, description = "Replaced", body = Text),
        (status = 201, description = "New", body = Text),
        (status = 400, description = "`bad_language`; `upload_lost`: cut off", body = Problem),
        (status = 401, description = "`unauthorized`", body = Problem),
        (status = 404, description = "`not_found`", body = Problem),
        (status = 409, description = "`not_playable`: not yet; `failed`; `limit_texts`", body = Problem),
        (status = 413, description = "`limit_size`", body = Problem),
        (status = 422, description = "`not_text`, `no_cues`, `limit_cues`", body = Problem),
    ),
    security(("token" = [])),
)]
pub async fn put(
    State(app): State<App>,
    Known(principal): Known,
    Path((video, language)): Path<(String, String)>,
    Params(params): Params<PutParams>,
    request: Request,
) -> Result<Response, Problem> {
    let row = owned(&app, &principal, &video).await?;
    let language = side_car::language_of(&language)?;
    let seat = app.uploads.take(Some(principal.owner));
    let _seat = seat.ok_or_else(Problem::busy)?;
    let file = Bytes::from_request(request, &()).await;
    let file = file.map_err(|rejection| match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => Problem::too_large(side_car::MOST_BYTES as u64),
        _ => Problem::cut_off(),
    })?;
    let name = params.name.unwrap_or_default();
    let is_new = side_car::put(&app, &row, &language, &name, file).await?;
    let row = owned(&app, &principal, &video).await?;
    let plan = app.pipeline.plan_of(&row).await?;
    let text = plan.and_then(|plan| Text::side_car(&app, row.id, &plan, &language));
    let text = text.ok_or_else(Problem::not_found)?;
    let status = match is_new {
        true => StatusCode::CREATED,
        false => StatusCode::OK,
    };
    Ok((status, Json(text)).into_response())
}

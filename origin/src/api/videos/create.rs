//! `POST /api/v1/videos`

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::access::Known;
use crate::api::params::Params;
use crate::api::video::Video;
use crate::app::App;
use crate::problem::Problem;
use crate::receive::receive;

#[derive(Deserialize, IntoParams)]
pub struct CreateParams {
    /// What people call it; the first 200 characters count.
    title: Option<String>,
}

/// Upload a video
///
/// The body is the source, raw, of any size. The answer comes when its last byte is durable;
/// the video plays about a second later.
#[utoipa::path(
    post,
    path = "/api/v1/videos",
    tag = "videos",
    params(CreateParams),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses(
        (status = 201, body = Video),
        (status = 400, description = "`upload_lost`: cut off", body = Problem),
        (status = 401, description = "`unauthorized`", body = Problem),
        (status = 413, description = "`limit_size`", body = Problem),
        (status = 422, description = "`not_media`: empty", body = Problem),
        (status = 507, description = "`no_space`", body = Problem),
    ),
    security(("token" = [])),
)]
pub async fn create(
    State(app): State<App>,
    Known(principal): Known,
    Params(params): Params<CreateParams>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let length = headers.get(header::CONTENT_LENGTH);
    let length = length.and_then(|value| value.to_str().ok()?.parse().ok());
    let title = params.title.unwrap_or_default();
    let row = receive(&app, principal, &title, length, body.into_data_stream()).await?;
    let location = [(header::LOCATION, format!("/api/v1/videos/{}", row.id))];
    let video = Video::of(&app, row).await?;
    Ok((StatusCode::CREATED, location, Json(video)).into_response())
}

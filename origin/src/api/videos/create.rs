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
        (status = 415, description = "`not_raw`: a form, JSON, or a body that is compressed for the way", body = Problem),
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
    is_raw(&headers)?;
    let length = headers.get(header::CONTENT_LENGTH);
    let length = length.and_then(|value| value.to_str().ok()?.parse().ok());
    let title = params.title.unwrap_or_default();
    let row = receive(&app, principal, &title, length, body.into_data_stream()).await?;
    let location = [(header::LOCATION, format!("/api/v1/videos/{}", row.id))];
    let video = Video::of(&app, row).await?;
    Ok((StatusCode::CREATED, location, Json(video)).into_response())
}

/// Refuses what is said to be something else than the bytes of a source.
fn is_raw(headers: &HeaderMap) -> Result<(), Problem> {
    let said = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let refused = |detail: &str| {
        let status = StatusCode::UNSUPPORTED_MEDIA_TYPE;
        Err(Problem::new(status, "not_raw", detail))
    };
    let kind = said(header::CONTENT_TYPE).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    if kind.to_ascii_lowercase().starts_with("multipart/") {
        return refused(
            "A form is not taken here: send the file itself as the body, as `curl --data-binary @film.mp4` does.",
        );
    }
    if ["application/json", "text/html"].contains(&kind.to_ascii_lowercase().as_str()) {
        return refused(
            "The body is to be the file itself, and its type says that it is not media.",
        );
    }
    match said(header::CONTENT_ENCODING) {
        None | Some("identity") => Ok(()),
        Some(_) => refused("Send the file as it is, without a Content-Encoding."),
    }
}

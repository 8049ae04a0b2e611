//! `POST /api/v1/videos`: uploads a file, which becomes a video.

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::access::Authenticated;
use crate::api::params::Params;
use crate::api::video::Video;
use crate::app::App;
use crate::problem::Problem;
use crate::receive::receive;

#[derive(Deserialize, IntoParams)]
pub struct CreateParams {
    /// Title of the video; it is cut off after 200 characters.
    title: Option<String>,
}

/// Upload a video
///
/// The body is the file itself, of any size. The response is sent when the last byte is stored; the video plays about a
/// second later.
#[utoipa::path(
    post,
    path = "/api/v1/videos",
    tag = "videos",
    params(CreateParams),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    responses(
        (status = 201, body = Video),
        (status = 400, description = "`upload_lost`: the upload was cut off", body = Problem),
        (status = 401, description = "`unauthorized`: the request has no valid token or sign-in", body = Problem),
        (status = 413, description = "`limit_size`: the file is too large", body = Problem),
        (status = 415, description = "`not_raw`: the body is a form, JSON or HTML, or has a Content-Encoding", body = Problem),
        (status = 422, description = "`not_media`: the body is empty", body = Problem),
        (status = 507, description = "`no_space`: the server has no space left", body = Problem),
    ),
    security(("token" = [])),
)]
pub async fn create(
    State(app): State<App>,
    Authenticated(principal): Authenticated,
    Params(params): Params<CreateParams>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    refuse_encoded(&headers)?;
    let length = headers.get(header::CONTENT_LENGTH);
    let length = length.and_then(|value| value.to_str().ok()?.parse().ok());
    let title = params.title.unwrap_or_default();
    let row = receive(&app, principal, &title, length, body.into_data_stream()).await?;
    let location = [(header::LOCATION, format!("/api/v1/videos/{}", row.id))];
    let video = Video::of(&app, row).await?;
    Ok((StatusCode::CREATED, location, Json(video)).into_response())
}

/// Refuses a body that, by its headers, is not the bytes of a media file.
fn refuse_encoded(headers: &HeaderMap) -> Result<(), Problem> {
    let said = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let refused = |detail: &str| {
        let status = StatusCode::UNSUPPORTED_MEDIA_TYPE;
        Err(Problem::new(status, "not_raw", detail))
    };
    let kind = said(header::CONTENT_TYPE).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    if kind.to_ascii_lowercase().starts_with("multipart/") {
        return refused(
            "The body is a form; send the file itself as the body, for example by curl --data-binary @film.mp4.",
        );
    }
    if ["application/json", "text/html"].contains(&kind.to_ascii_lowercase().as_str()) {
        return refused(
            "The Content-Type says that the body is not media; send the file itself as the body.",
        );
    }
    match said(header::CONTENT_ENCODING) {
        None | Some("identity") => Ok(()),
        Some(_) => refused("Send the file unchanged, without a Content-Encoding."),
    }
}

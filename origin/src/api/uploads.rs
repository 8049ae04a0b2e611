//! Direct uploads: the client puts the source into the object store itself, block by block, by signed requests that
//! this API hands out.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use plan::UploadId;
use serde::{Deserialize, Serialize};
use store::metadata::{Priority, UploadRow};
use utoipa::{IntoParams, ToSchema};

use crate::access::Authenticated;
use crate::api::params::Params;
use crate::api::video::Video;
use crate::app::App;
use crate::problem::Problem;
use crate::receive::title_of;

/// Upload in blocks.
#[derive(Serialize, ToSchema)]
pub struct Upload {
    /// Id of the upload.
    id: String,
    /// Id of the video that the upload becomes.
    video: String,
    /// Size of the file in bytes.
    size_bytes: u64,
    /// Size of every block but the last, in bytes.
    block_bytes: u64,
    /// Bytes from the start of the file that were stored without a gap when the upload was last synchronised.
    received_bytes: u64,
    /// Whether the upload is complete.
    complete: bool,
}

impl From<UploadRow> for Upload {
    fn from(row: UploadRow) -> Self {
        Self {
            id: row.id.to_string(),
            video: row.video.to_string(),
            size_bytes: row.declared_size.unwrap_or(row.offset),
            block_bytes: pipeline::BLOCK,
            received_bytes: row.offset,
            complete: row.complete,
        }
    }
}

/// Block of the file and the request that stores it: `PUT` the block's bytes to the URL with these headers, within 50
/// minutes. The status 412 means that the block is stored already.
#[derive(Serialize, ToSchema)]
pub struct Part {
    /// Number of the block in the file, from 0.
    index: u32,
    /// Size of the block in bytes.
    bytes: u64,
    /// URL of the request that stores the block.
    url: String,
    /// Headers of the request that stores the block.
    headers: BTreeMap<String, String>,
}

#[derive(Deserialize, IntoParams)]
pub struct CreateParams {
    /// Title of the video; it is cut off after 200 characters.
    title: Option<String>,
    /// Size of the file in bytes.
    size: u64,
}

#[derive(Deserialize, IntoParams)]
pub struct PartsParams {
    /// Number of the first block, from 0.
    #[serde(default)]
    first: u32,
    /// Number of parts, at most 64; 16 by default.
    #[serde(default = "default_count")]
    count: u32,
}

/// Number of parts in an answer if the client does not say how many.
const fn default_count() -> u32 {
    16
}

/// Begin an upload in blocks
///
/// The client then sends the file straight to the object store: list the parts, PUT them in any order, and complete the
/// upload. This is possible if the operator has set `public_endpoint`; otherwise POST the file to /api/v1/videos.
#[utoipa::path(
    post,
    path = "/api/v1/uploads",
    tag = "uploads",
    params(CreateParams),
    responses(
        (status = 201, body = Upload),
        (status = 401, description = "`unauthorized`: the request has no valid token or sign-in", body = Problem),
        (status = 404, description = "`not_direct`: this server has no such uploads; POST the file to /api/v1/videos", body = Problem),
        (status = 413, description = "`limit_size`: the file is too large", body = Problem),
        (status = 422, description = "`not_media`: the file is empty", body = Problem),
    ),
    security(("token" = [])),
)]
pub async fn create(
    State(app): State<App>,
    Authenticated(principal): Authenticated,
    Params(params): Params<CreateParams>,
) -> Result<Response, Problem> {
    if params.size == 0 {
        return Err(Problem::empty());
    }
    let (owner, title) = (principal.owner, title_of(&params.title.unwrap_or_default()));
    let begun =
        app.pipeline
            .uploads()
            .create_direct(owner, title, params.size, Priority::Interactive);
    let (_, upload) = begun.await?;
    let location = [(header::LOCATION, format!("/api/v1/uploads/{}", upload.id))];
    let upload = Json(Upload::from(upload));
    Ok((StatusCode::CREATED, location, upload).into_response())
}

/// Show an upload
#[utoipa::path(
    get,
    path = "/api/v1/uploads/{upload}",
    tag = "uploads",
    params(("upload" = String, Path, description = "Id of the upload")),
    responses(
        (status = 200, body = Upload),
        (status = 404, description = "`not_found`: there is no such upload", body = Problem),
    ),
    security(("token" = [])),
)]
pub async fn get(
    State(app): State<App>,
    known: Authenticated,
    Path(upload): Path<String>,
) -> Result<Json<Upload>, Problem> {
    Ok(Json(owned(&app, known, &upload).await?.into()))
}

/// List parts of an upload, with the requests that store them
#[utoipa::path(
    get,
    path = "/api/v1/uploads/{upload}/parts",
    tag = "uploads",
    params(("upload" = String, Path, description = "Id of the upload"), PartsParams),
    responses(
        (status = 200, body = Vec<Part>),
        (status = 404, description = "`not_found`: there is no such upload, or it is complete", body = Problem),
    ),
    security(("token" = [])),
)]
pub async fn parts(
    State(app): State<App>,
    known: Authenticated,
    Path(upload): Path<String>,
    Params(params): Params<PartsParams>,
) -> Result<Json<Vec<Part>>, Problem> {
    let row = owned(&app, known, &upload).await?;
    let parts = app
        .pipeline
        .uploads()
        .parts(&row, params.first, params.count)
        .await?;
    let parts = parts.into_iter().map(|part| Part {
        index: part.index,
        bytes: part.bytes,
        url: part.put.url,
        headers: part.put.headers.into_iter().collect(),
    });
    Ok(Json(parts.collect()))
}

/// Synchronise an upload with the object store
///
/// The server looks which blocks are stored, and can begin to work with those from the start of the file up to the
/// first gap. Calling this is optional: completing the upload does the same.
#[utoipa::path(
    post,
    path = "/api/v1/uploads/{upload}/sync",
    tag = "uploads",
    params(("upload" = String, Path, description = "Id of the upload")),
    responses(
        (status = 200, body = Upload),
        (status = 404, description = "`not_found`: there is no such upload", body = Problem),
    ),
    security(("token" = [])),
)]
pub async fn sync(
    State(app): State<App>,
    known: Authenticated,
    Path(upload): Path<String>,
) -> Result<Json<Upload>, Problem> {
    let row = owned(&app, known, &upload).await?;
    let row = app.pipeline.uploads().sync(&row).await?;
    Ok(Json(row.into()))
}

/// Complete an upload
///
/// Call this when every block is stored; the video plays about a second later. It may be called more than once.
#[utoipa::path(
    post,
    path = "/api/v1/uploads/{upload}/complete",
    tag = "uploads",
    params(("upload" = String, Path, description = "Id of the upload")),
    responses(
        (status = 200, body = Video),
        (status = 404, description = "`not_found`: there is no such upload", body = Problem),
        (status = 409, description = "`incomplete`: blocks are missing", body = Problem),
    ),
    security(("token" = [])),
)]
pub async fn complete(
    State(app): State<App>,
    known: Authenticated,
    Path(upload): Path<String>,
) -> Result<Json<Video>, Problem> {
    let row = owned(&app, known, &upload).await?;
    let video = app.pipeline.uploads().complete(&row).await?;
    if !row.complete {
        app.metrics.uploads.increment();
        app.metrics.upload_bytes.add(video.received_bytes);
    }
    Ok(Json(Video::of(&app, video).await?))
}

/// Finds an upload that the client may continue.
///
/// # Errors
/// `404` if there is no such upload, and also if it belongs to somebody else.
async fn owned(
    app: &App,
    Authenticated(principal): Authenticated,
    upload: &str,
) -> Result<UploadRow, Problem> {
    let id: UploadId = upload.parse().map_err(|_| Problem::no_upload())?;
    let row = app.pipeline.uploads().get(id).await?;
    row.filter(|row| principal.may_touch(row.owner))
        .ok_or_else(Problem::no_upload)
}

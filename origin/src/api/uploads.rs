//! Uploads whose sender puts the source into the object store itself, block by block.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use plan::UploadId;
use serde::{Deserialize, Serialize};
use store::metadata::{Priority, UploadRow};
use utoipa::{IntoParams, ToSchema};

use crate::access::Known;
use crate::api::params::Params;
use crate::api::video::Video;
use crate::app::App;
use crate::problem::Problem;
use crate::receive::title_of;

/// An upload in blocks.
#[derive(Serialize, ToSchema)]
pub struct Upload {
    /// Its id.
    id: String,
    /// The video that it becomes.
    video: String,
    /// Bytes of the source.
    size_bytes: u64,
    /// Bytes of every block but the last.
    block_bytes: u64,
    /// Bytes that were stored without a gap when the upload was last synchronised.
    received_bytes: u64,
    /// Whether the source is complete.
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

/// A block of the source, and where it goes: `PUT` its bytes to the URL with these headers, within 50 minutes. An
/// answer of 412 says that the block is stored already.
#[derive(Serialize, ToSchema)]
pub struct Part {
    /// Number of the block in the source, from 0.
    index: u32,
    /// Length of the block in bytes.
    bytes: u64,
    /// URL that the block is put to.
    url: String,
    /// Headers of the request.
    headers: BTreeMap<String, String>,
}

#[derive(Deserialize, IntoParams)]
pub struct CreateParams {
    /// What people call it; the first 200 characters count.
    title: Option<String>,
    /// Bytes of the source.
    size: u64,
}

#[derive(Deserialize, IntoParams)]
pub struct PartsParams {
    /// Number of the first block.
    #[serde(default)]
    first: u32,
    /// How many parts are asked for; one answer has at most 64.
    #[serde(default = "some")]
    count: u32,
}

const fn some() -> u32 {
    16
}

/// Begin an upload in blocks
///
/// For sources that go past reelmill into its object store, where the operator has opened it
/// (`public_endpoint`). Ask for the parts, put them in any order, then complete the upload.
#[utoipa::path(
    post,
    path = "/api/v1/uploads",
    tag = "uploads",
    params(CreateParams),
    responses(
        (status = 201, body = Upload),
        (status = 401, description = "`unauthorized`", body = Problem),
        (status = 404, description = "`not_direct`: upload to `/api/v1/videos`", body = Problem),
        (status = 413, description = "`limit_size`", body = Problem),
        (status = 422, description = "`not_media`: empty", body = Problem),
    ),
    security(("token" = [])),
)]
pub async fn create(
    State(app): State<App>,
    Known(principal): Known,
    Params(params): Params<CreateParams>,
) -> Result<Response, Problem> {
    if params.size == 0 {
        return Err(Problem::empty());
    }
    let (owner, title) = (principal.owner, title_of(&params.title.unwrap_or_default()));
    let begun = app
        .pipeline
        .create_direct(owner, title, params.size, Priority::Interactive);
    let (_, upload) = begun.await?;
    let location = [(header::LOCATION, format!("/api/v1/uploads/{}", upload.id))];
    let upload = Json(Upload::from(upload));
    Ok((StatusCode::CREATED, location, upload).into_response())
}

/// See an upload
#[utoipa::path(
    get,
    path = "/api/v1/uploads/{upload}",
    tag = "uploads",
    params(("upload" = String, Path)),
    responses(
        (status = 200, body = Upload),
        (status = 404, description = "`not_found`", body = Problem),
    ),
    security(("token" = [])),
)]
pub async fn get(
    State(app): State<App>,
    known: Known,
    Path(upload): Path<String>,
) -> Result<Json<Upload>, Problem> {
    Ok(Json(owned(&app, known, &upload).await?.into()))
}

/// List the parts of an upload, with the URLs that they are put to
#[utoipa::path(
    get,
    path = "/api/v1/uploads/{upload}/parts",
    tag = "uploads",
    params(("upload" = String, Path), PartsParams),
    responses(
        (status = 200, body = Vec<Part>),
        (status = 404, description = "`not_found`, or complete already", body = Problem),
    ),
    security(("token" = [])),
)]
pub async fn parts(
    State(app): State<App>,
    known: Known,
    Path(upload): Path<String>,
    Params(params): Params<PartsParams>,
) -> Result<Json<Vec<Part>>, Problem> {
    let row = owned(&app, known, &upload).await?;
    let parts = app.pipeline.parts(&row, params.first, params.count).await?;
    let parts = parts.into_iter().map(|part| Part {
        index: part.index,
        bytes: part.bytes,
        url: part.put.url,
        headers: part.put.headers.into_iter().collect(),
    });
    Ok(Json(parts.collect()))
}

/// Synchronise an upload with what is stored
///
/// The server looks which blocks are stored, and can start to work at those that are stored without a gap. A sender need
/// not call this: completing the upload looks, too.
#[utoipa::path(
    post,
    path = "/api/v1/uploads/{upload}/sync",
    tag = "uploads",
    params(("upload" = String, Path)),
    responses(
        (status = 200, body = Upload),
        (status = 404, description = "`not_found`", body = Problem),
    ),
    security(("token" = [])),
)]
pub async fn sync(
    State(app): State<App>,
    known: Known,
    Path(upload): Path<String>,
) -> Result<Json<Upload>, Problem> {
    let row = owned(&app, known, &upload).await?;
    let row = app.pipeline.sync(&row).await?;
    Ok(Json(row.into()))
}

/// Complete an upload
///
/// Call this when every block is stored; the video plays about a second later. Calling it again is no error.
#[utoipa::path(
    post,
    path = "/api/v1/uploads/{upload}/complete",
    tag = "uploads",
    params(("upload" = String, Path)),
    responses(
        (status = 200, body = Video),
        (status = 404, description = "`not_found`", body = Problem),
        (status = 409, description = "`incomplete`", body = Problem),
    ),
    security(("token" = [])),
)]
pub async fn complete(
    State(app): State<App>,
    known: Known,
    Path(upload): Path<String>,
) -> Result<Json<Video>, Problem> {
    let row = owned(&app, known, &upload).await?;
    let video = app.pipeline.complete(&row).await?;
    if !row.complete {
        app.metrics.uploads.one();
        app.metrics.upload_bytes.add(video.received_bytes);
    }
    Ok(Json(Video::of(&app, video).await?))
}

/// An upload that the asker may go on with.
async fn owned(app: &App, Known(principal): Known, upload: &str) -> Result<UploadRow, Problem> {
    let id: UploadId = upload.parse().map_err(|_| Problem::no_upload())?;
    let row = app.pipeline.upload(id).await?;
    row.filter(|row| principal.may_touch(row.owner))
        .ok_or_else(Problem::no_upload)
}

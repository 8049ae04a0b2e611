//! `GET` and `POST /api/v1/videos/{video}/remake`: shows whether an older version encoded a video, and encodes it
//! again.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use pipeline::{Remake, RemakeError};
use serde::Serialize;
use store::metadata::VideoRow;
use utoipa::ToSchema;

use super::owned;
use crate::access::Authenticated;
use crate::app::App;
use crate::problem::Problem;

/// State of a video with respect to encoding it again.
#[derive(Serialize, ToSchema)]
pub struct Remade {
    /// State: `current` if this version of the program encoded the video; `older` if an older one did, so that it can
    /// be encoded again; `pending` while it is encoded again; `failed` if that was not possible completely, and the
    /// video stays as it was; `unready` if the video is not ready yet.
    state: &'static str,
    /// Estimated size of the new files in bytes, in addition to the old ones, which are kept for 30 days; null if there
    /// is nothing to encode.
    bytes: Option<u64>,
    /// Number of segments that are encoded again, while the state is `pending`.
    made: Option<u64>,
    /// Number of all segments, while the state is `pending`.
    total: Option<u64>,
}

impl Remade {
    /// State of a video, and the HTTP status of the answer: `202` while it is encoded again, else `200`.
    async fn of(app: &App, row: &VideoRow) -> Result<(StatusCode, Self), store::Error> {
        let (state, bytes, progress) = match app.pipeline.videos().remake_of(row).await? {
            None => ("unready", None, None),
            Some(Remake::Current) => ("current", None, None),
            Some(Remake::Older { bytes }) => ("older", Some(bytes), None),
            Some(Remake::Failed { bytes }) => ("failed", Some(bytes), None),
            Some(Remake::Pending { bytes, progress }) => ("pending", Some(bytes), Some(progress)),
        };
        let status = match state {
            "pending" => StatusCode::ACCEPTED,
            _ => StatusCode::OK,
        };
        let made = progress.map(|progress| progress.made);
        let total = progress.map(|progress| progress.total);
        Ok((
            status,
            Self {
                state,
                bytes,
                made,
                total,
            },
        ))
    }
}

impl From<RemakeError> for Problem {
    fn from(error: RemakeError) -> Self {
        let conflict = |code, detail: &str| Self::new(StatusCode::CONFLICT, code, detail);
        match error {
            RemakeError::NotReady => {
                let detail = "The video is not ready yet; it can be encoded again once it is.";
                conflict("not_ready", detail)
            }
            RemakeError::Failed => conflict(
                "failed",
                "The video failed, so it cannot be encoded again; retry it instead.",
            ),
            RemakeError::SourceGone => {
                let detail =
                    "The uploaded file is not kept any more, so the video cannot be encoded again.";
                conflict("source_gone", detail)
            }
            RemakeError::NotFound => Self::not_found(),
            RemakeError::Store(error) => error.into(),
        }
    }
}

/// Show whether a video can be encoded again
///
/// Newer versions of the program may encode better. Existing videos keep their files until they are encoded again.
#[utoipa::path(
    get,
    path = "/api/v1/videos/{video}/remake",
    tag = "videos",
    params(("video" = String, Path, description = "Id of the video")),
    responses(
        (status = 200, body = Remade),
        (status = 401, description = "`unauthorized`: the request has no valid token or sign-in", body = Problem),
        (status = 404, description = "`not_found`: there is no such video", body = Problem),
    ),
    security(("token" = [])),
)]
pub async fn get(
    State(app): State<App>,
    Authenticated(principal): Authenticated,
    Path(video): Path<String>,
) -> Result<Json<Remade>, Problem> {
    let row = owned(&app, &principal, &video).await?;
    let (_, remade) = Remade::of(&app, &row).await?;
    Ok(Json(remade))
}

/// Encode a video again
///
/// The video is encoded from its uploaded file by this version of the program, when the server has no other videos to
/// encode. Viewers get the old files until the new ones are complete; viewers who are watching at that time continue
/// with the old files, which are deleted 30 days later. Nothing happens if the video is up to date. Calling this again
/// retries an attempt that failed.
#[utoipa::path(
    post,
    path = "/api/v1/videos/{video}/remake",
    tag = "videos",
    params(("video" = String, Path, description = "Id of the video")),
    responses(
        (status = 200, description = "The video is up to date", body = Remade),
        (status = 202, description = "The video will be encoded again", body = Remade),
        (status = 401, description = "`unauthorized`: the request has no valid token or sign-in", body = Problem),
        (status = 404, description = "`not_found`: there is no such video", body = Problem),
        (status = 409, description = "`not_ready`: the video is not ready yet; `source_gone`: the uploaded file is not kept any more; `failed`: the video failed", body = Problem),
    ),
    security(("token" = [])),
)]
pub async fn post(
    State(app): State<App>,
    Authenticated(principal): Authenticated,
    Path(video): Path<String>,
) -> Result<Response, Problem> {
    let row = owned(&app, &principal, &video).await?;
    app.pipeline.videos().remake(row.id).await?;
    let row = owned(&app, &principal, &video).await?;
    let (status, remade) = Remade::of(&app, &row).await?;
    Ok((status, Json(remade)).into_response())
}

//! `GET` and `POST /api/v1/videos/{video}/remake`

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use pipeline::{Remake, RemakeError};
use serde::Serialize;
use store::metadata::VideoRow;
use utoipa::ToSchema;

use super::owned;
use crate::access::Known;
use crate::app::App;
use crate::problem::Problem;

/// Whether a video was encoded as this version encodes.
#[derive(Serialize, ToSchema)]
pub struct Remade {
    /// `current`: it is; `older`: it can be made again; `pending`: it is being made again; `failed`: not all of it
    /// could be made again, it stays as it was; `unready`: it is not ready yet.
    state: &'static str,
    /// About how many bytes it takes to make it again, besides those that are there, which stay for 30 days; nothing
    /// where there is nothing to make.
    bytes: Option<u64>,
    /// Segments stored, while it is pending.
    made: Option<u64>,
    /// Segments in all, while it is pending.
    total: Option<u64>,
}

impl Remade {
    async fn of(app: &App, row: &VideoRow) -> Result<(StatusCode, Self), store::Error> {
        let (state, bytes, progress) = match app.pipeline.remake_of(row).await? {
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
                let detail = "The video is not ready yet; it can be made again then.";
                conflict("not_ready", detail)
            }
            RemakeError::Failed => conflict("failed", "The video failed: nothing of it is made."),
            RemakeError::SourceGone => {
                let detail =
                    "The video's source is not kept any more: there is nothing to make it from.";
                conflict("source_gone", detail)
            }
            RemakeError::NotFound => Self::not_found(),
            RemakeError::Store(error) => error.into(),
        }
    }
}

/// See whether a video can be encoded again
///
/// Later versions of the program write better files. Existing videos keep theirs until they are encoded again.
#[utoipa::path(
    get,
    path = "/api/v1/videos/{video}/remake",
    tag = "videos",
    params(("video" = String, Path, description = "Its id")),
    responses(
        (status = 200, body = Remade),
        (status = 401, description = "`unauthorized`", body = Problem),
        (status = 404, description = "`not_found`", body = Problem),
    ),
    security(("token" = [])),
)]
pub async fn get(
    State(app): State<App>,
    Known(principal): Known,
    Path(video): Path<String>,
) -> Result<Json<Remade>, Problem> {
    let row = owned(&app, &principal, &video).await?;
    let (_, remade) = Remade::of(&app, &row).await?;
    Ok(Json(remade))
}

/// Encode a video again
///
/// It is encoded from its source as this version encodes, when no other videos are to be encoded. Viewers keep the old
/// files until the new ones are complete, and who is watching then goes on with the old ones, which are deleted 30 days
/// later. Where the video is up to date already, nothing happens; calling it again retries a failed attempt.
#[utoipa::path(
    post,
    path = "/api/v1/videos/{video}/remake",
    tag = "videos",
    params(("video" = String, Path, description = "Its id")),
    responses(
        (status = 200, description = "There is nothing to make", body = Remade),
        (status = 202, description = "It is going to be made", body = Remade),
        (status = 401, description = "`unauthorized`", body = Problem),
        (status = 404, description = "`not_found`", body = Problem),
        (status = 409, description = "`not_ready`: not yet; `source_gone`: the source is not kept; `failed`", body = Problem),
    ),
    security(("token" = [])),
)]
pub async fn post(
    State(app): State<App>,
    Known(principal): Known,
    Path(video): Path<String>,
) -> Result<Response, Problem> {
    let row = owned(&app, &principal, &video).await?;
    app.pipeline.remake(row.id).await?;
    let row = owned(&app, &principal, &video).await?;
    let (status, remade) = Remade::of(&app, &row).await?;
    Ok((status, Json(remade)).into_response())
}

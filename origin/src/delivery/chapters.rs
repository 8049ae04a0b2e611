//! Chapters of a video as WebVTT.

use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::Response;

use super::current::current;
use super::respond::VTT;
use super::respond::{Body, DeliveryError};
use crate::app::App;
use crate::viewer::RequestViewer;

/// `GET /v/{video}/chapters.vtt`: chapters as WebVTT; `404` if the source has none.
///
/// Cached for a minute, and stale for up to ten more while it is fetched again: a later plan of the video may change
/// it.
pub async fn chapters(
    State(app): State<App>,
    Path(video): Path<String>,
    asker: RequestViewer,
    headers: HeaderMap,
) -> Result<Response, DeliveryError> {
    let (row, plan) = current(&app, &video, &asker).await?;
    let text = manifests::chapters::vtt(&plan).ok_or(DeliveryError::NotFound)?;
    Ok(Body::short(row.id, text, VTT).respond(&headers))
}

//! Storyboard track of a video as WebVTT.

use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::Response;

use super::current::current;
use super::respond::VTT;
use super::respond::{Body, DeliveryError};
use crate::app::App;
use crate::viewer::RequestViewer;

/// `GET /v/{video}/storyboard.vtt`: WebVTT that says which tile of which sheet previews a time on the seek bar; `404`
/// if the video has no storyboard.
///
/// Cached for a minute, and stale for up to ten more while it is fetched again: a later plan of the video may change
/// it.
pub async fn storyboard(
    State(app): State<App>,
    Path(video): Path<String>,
    asker: RequestViewer,
    headers: HeaderMap,
) -> Result<Response, DeliveryError> {
    let (row, plan) = current(&app, &video, &asker).await?;
    let text = manifests::storyboard::vtt(&plan).ok_or(DeliveryError::NotFound)?;
    Ok(Body::short(row.id, text, VTT).respond(&headers))
}

//! DASH manifest of a video.

use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::Response;

use super::current::current;
use super::respond::{Body, DeliveryError};

use crate::app::App;
use crate::viewer::RequestViewer;

/// `GET /v/{video}/manifest.mpd`: the DASH manifest.
///
/// Cached for a minute, and stale for up to ten more while it is fetched again: a later plan of the video changes it. A
/// request waits up to nine seconds for a video
/// that is being probed, then gets `503`.
pub async fn mpd(
    State(app): State<App>,
    Path(video): Path<String>,
    asker: RequestViewer,
    headers: HeaderMap,
) -> Result<Response, DeliveryError> {
    let (row, plan) = current(&app, &video, &asker).await?;
    let text = manifests::dash::mpd(&plan, &row.average_bandwidth);
    Ok(Body::short(row.id, text, "application/dash+xml").respond(&headers))
}

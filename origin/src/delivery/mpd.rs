//! `GET /v/{video}/manifest.mpd`: the DASH manifest.

use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::Response;

use super::current::current;
use super::respond::{Body, DeliveryError};

use crate::app::App;
use crate::viewer::Asker;

/// Short-lived: a later plan of the video changes it.
pub async fn mpd(
    State(app): State<App>,
    Path(video): Path<String>,
    asker: Asker,
    headers: HeaderMap,
) -> Result<Response, DeliveryError> {
    let (row, plan) = current(&app, &video, &asker).await?;
    let text = manifests::dash::mpd(&plan, &row.average_bandwidth);
    Ok(Body::short(row.id, text, "application/dash+xml").respond(&headers))
}

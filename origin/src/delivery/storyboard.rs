//! `GET /v/{video}/storyboard.vtt`: preview tiles of the seek bar as WebVTT.

use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::Response;

use super::VTT;
use super::current::current;
use super::respond::{Body, DeliveryError};
use crate::app::App;
use crate::viewer::Asker;

/// Short-lived: a later plan of the video changes it.
pub async fn storyboard(
    State(app): State<App>,
    Path(video): Path<String>,
    asker: Asker,
    headers: HeaderMap,
) -> Result<Response, DeliveryError> {
    let (row, plan) = current(&app, &video, &asker).await?;
    let text = manifests::storyboard::vtt(&plan).ok_or(DeliveryError::NotFound)?;
    Ok(Body::short(row.id, text, VTT).respond(&headers))
}

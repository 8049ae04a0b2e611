//! `GET /v/{video}/master.m3u8`: the HLS multivariant playlist.

use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::Response;

use super::PLAYLIST;
use super::current::current;
use super::respond::{Body, DeliveryError};
use crate::app::App;
use crate::viewer::Asker;

/// Short-lived: a later plan of the video changes it.
pub async fn master(
    State(app): State<App>,
    Path(video): Path<String>,
    asker: Asker,
    headers: HeaderMap,
) -> Result<Response, DeliveryError> {
    let (row, plan) = current(&app, &video, &asker).await?;
    let text = manifests::hls::master(&plan, &row.average_bandwidth);
    Ok(Body::short(row.id, text, PLAYLIST).respond(&headers))
}

//! Text that is rendered from the plan: master, MPD, chapters, storyboard.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::response::Response;
use plan::{Plan, VideoId};
use store::CachePolicy;
use store::metadata::VideoRow;

use super::respond::{Body, DeliveryError};
use crate::app::App;

pub const PLAYLIST: &str = "application/vnd.apple.mpegurl";
const VTT: &str = "text/vtt; charset=utf-8";

/// `GET /v/{video}/master.m3u8`.
pub async fn master(
    State(app): State<App>,
    Path(video): Path<String>,
    headers: HeaderMap,
) -> Result<Response, DeliveryError> {
    let (row, plan) = current(&app, &video).await?;
    let text = manifests::hls::master(&plan, &row.average_bandwidth);
    Ok(short(row.id, text, PLAYLIST).respond(&headers))
}

/// `GET /v/{video}/manifest.mpd`.
pub async fn mpd(
    State(app): State<App>,
    Path(video): Path<String>,
    headers: HeaderMap,
) -> Result<Response, DeliveryError> {
    let (row, plan) = current(&app, &video).await?;
    let text = manifests::dash::mpd(&plan, &row.average_bandwidth);
    Ok(short(row.id, text, "application/dash+xml").respond(&headers))
}

/// `GET /v/{video}/chapters.vtt`.
pub async fn chapters(
    State(app): State<App>,
    Path(video): Path<String>,
    headers: HeaderMap,
) -> Result<Response, DeliveryError> {
    let (row, plan) = current(&app, &video).await?;
    let text = manifests::chapters::vtt(&plan).ok_or(DeliveryError::NotFound)?;
    Ok(short(row.id, text, VTT).respond(&headers))
}

/// `GET /v/{video}/storyboard.vtt`.
pub async fn storyboard(
    State(app): State<App>,
    Path(video): Path<String>,
    headers: HeaderMap,
) -> Result<Response, DeliveryError> {
    let (row, plan) = current(&app, &video).await?;
    let text = manifests::storyboard::vtt(&plan).ok_or(DeliveryError::NotFound)?;
    Ok(short(row.id, text, VTT).respond(&headers))
}

fn short(video: VideoId, text: String, content_type: &'static str) -> Body {
    let policy = CachePolicy::Short;
    Body {
        video,
        bytes: text.into(),
        content_type,
        policy,
        made_in: Duration::ZERO,
    }
}

async fn current(app: &App, video: &str) -> Result<(VideoRow, Arc<Plan>), DeliveryError> {
    let id = video.parse().map_err(|_| DeliveryError::NotFound)?;
    let row = app
        .pipeline
        .video(id)
        .await?
        .ok_or(DeliveryError::NotFound)?;
    let plan = app
        .pipeline
        .plan_of(&row)
        .await?
        .ok_or(DeliveryError::NotFound)?;
    Ok((row, plan))
}

//! What the API shows of a video.

use jiff::Timestamp;
use serde_json::{Value, json};
use store::metadata::VideoRow;

use crate::app::App;

/// A video as JSON.
pub async fn view(app: &App, row: &VideoRow) -> Result<Value, store::Error> {
    let progress = app.pipeline.progress(row).await?;
    let base = app.settings.public_url.trim_end_matches('/');
    let id = row.id;
    let time = |us: Option<i64>| {
        us.and_then(|us| Timestamp::from_microsecond(us).ok())
            .map(|time| time.to_string())
    };
    Ok(json!({
        "id": id.to_string(),
        "title": row.title,
        "source": row.source.as_str(),
        "state": row.state.as_str(),
        "progress": { "made": progress.made, "total": progress.total },
        "duration_s": row.duration_us.map(|us| us as f64 / 1e6),
        "width": row.width_px,
        "height": row.height_px,
        "playback": {
            "hls": format!("{base}/v/{id}/master.m3u8"),
            "dash": format!("{base}/v/{id}/manifest.mpd"),
        },
        "watch": format!("{base}/watch/{id}"),
        "created_at": time(Some(row.created_at_us)),
        "uploaded_at": time(row.uploaded_at_us),
        "playable_at": time(row.playable_at_us),
        "ready_at": time(row.ready_at_us),
        "warnings": row.warnings.iter().map(|warning| json!({
            "code": warning.code.as_str(),
            "message": warning.message,
            "span_s": warning.span_us.map(|(from, to)| [from as f64 / 1e6, to as f64 / 1e6]),
        })).collect::<Vec<_>>(),
        "error": row.error.as_ref().map(|error| json!({
            "code": error.code.as_str(),
            "message": error.message,
        })),
    }))
}

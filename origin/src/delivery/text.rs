//! Subtitles of a text rendition as WebVTT: `{n}.vtt` for one segment, `all.vtt` for the whole video.

use plan::RenditionKey;

use super::cache::File;
use super::respond::DeliveryError;
use super::respond::VTT;
use crate::app::App;

/// Writes the cues that are shown during one segment.
pub(super) async fn segment(
    app: &App,
    key: RenditionKey,
    index: u32,
) -> Result<File, DeliveryError> {
    let plan = app
        .pipeline
        .videos()
        .plan_with(key.video, key.rendition)
        .await?;
    let plan = plan.ok_or(DeliveryError::NotFound)?;
    if index >= manifests::text::segments(&plan) {
        return Err(DeliveryError::NotFound);
    }
    let list = app.pipeline.playback().cues(key).await?;
    Ok(File::text(manifests::text::segment(&list, index), VTT))
}

/// Writes all cues of a text rendition.
pub(super) async fn whole(app: &App, key: RenditionKey) -> Result<File, DeliveryError> {
    let list = app.pipeline.playback().cues(key).await?;
    Ok(File::text(manifests::text::whole(&list), VTT))
}

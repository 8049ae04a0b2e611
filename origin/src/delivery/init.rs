//! Init segment of a rendition, `init.mp4`. It is made with the plan, before the video is playable.

use plan::RenditionKey;
use store::ObjectKey;

use super::cache::File;
use super::respond::DeliveryError;
use crate::app::App;

/// Reads a rendition's init segment.
pub(super) async fn read(app: &App, key: RenditionKey) -> Result<File, DeliveryError> {
    let bytes = app.pipeline.playback().init(key).await?;
    let content_type = ObjectKey::Init(key).content_type();
    Ok(File::media(bytes, content_type, false))
}

//! HLS media playlist of a rendition, `playlist.m3u8`. It lists every segment, whether it is encoded yet or not.

use plan::RenditionKey;

use super::cache::File;
use super::respond::DeliveryError;
use super::respond::PLAYLIST;
use crate::app::App;

/// Writes a rendition's media playlist from its plan.
pub(super) async fn read(app: &App, key: RenditionKey) -> Result<File, DeliveryError> {
    let plan = app
        .pipeline
        .videos()
        .plan_with(key.video, key.rendition)
        .await?;
    let plan = plan.ok_or(DeliveryError::NotFound)?;
    if plan.text_rendition(key.rendition).is_some() {
        return Ok(File::text(manifests::text::playlist(&plan), PLAYLIST));
    }
    let text = manifests::hls::media_playlist(&plan, key.rendition);
    Ok(File::text(text.ok_or(DeliveryError::NotFound)?, PLAYLIST))
}

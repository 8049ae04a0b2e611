//! Sheet of a storyboard, `{n}.jpg`: an image with many small previews. A missing sheet is made on demand.

use pipeline::Viewer;
use plan::{RenditionKey, SegmentKey};
use store::ObjectKey;

use super::cache::File;
use super::respond::DeliveryError;
use crate::app::App;

/// Reads a sheet, or has it made for this viewer.
pub(super) async fn read(
    app: &App,
    of: RenditionKey,
    index: u32,
    viewer: &Viewer,
) -> Result<File, DeliveryError> {
    let key = SegmentKey {
        video: of.video,
        rendition: of.rendition,
        index,
    };
    let bytes = app.pipeline.playback().sheet(key, viewer).await?;
    let content_type = ObjectKey::Segment(key).content_type();
    Ok(File::media(bytes, content_type, true))
}

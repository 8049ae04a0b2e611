//! CMAF segment of a rendition, `{n}.m4s`. A missing segment is encoded on demand.

use pipeline::Viewer;
use plan::{RenditionKey, SegmentKey};
use store::ObjectKey;

use super::cache::File;
use super::respond::DeliveryError;
use crate::app::App;

/// Reads a segment, or has it encoded for this viewer.
pub(super) async fn read(
    app: &App,
    of: RenditionKey,
    index: u32,
    viewer: Viewer,
) -> Result<File, DeliveryError> {
    let key = SegmentKey {
        video: of.video,
        rendition: of.rendition,
        index,
    };
    let delivered = app.pipeline.playback().segment(key, viewer).await?;
    let content_type = ObjectKey::Segment(key).content_type();
    let made = !delivered.made_in.is_zero();
    Ok(File::media(delivered.bytes, content_type, made))
}

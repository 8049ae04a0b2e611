//! Storage of the products of an engine: segments, init segments and stills.

use bytes::Bytes;
use plan::{Plan, RenditionKey, SegmentKey, VideoId};
use store::{Event, ImageFormat, ObjectKey};
use transcoder::Made;

use super::error::SessionError;
use crate::encoding::sessions::Sessions;
use crate::videos::notes;

/// Stores a product that the session has checked. A deleted video gets no more products.
///
/// # Errors
/// [`SessionError::Foreign`] where the segment cannot be decoded with the init segment that is stored.
pub(super) async fn store(
    sessions: &Sessions,
    video: VideoId,
    plan: Option<&Plan>,
    made: Made,
    bytes: Bytes,
) -> Result<(), SessionError> {
    if sessions.records.living(video).await?.is_none() {
        return Err(store::Error::NotFound.into());
    }
    let objects = &sessions.records.stores.objects;
    match made {
        Made::Segment {
            rendition,
            segment,
            init,
            report,
        } => {
            let key = RenditionKey { video, rendition };
            if !sessions.inits.store_or_compare(key, &init).await? {
                return Err(SessionError::Foreign(rendition));
            }
            tracing::debug!(%video, %rendition, segment, us = report.encode_us, attempts = report.attempts, "a segment was made");
            let key = SegmentKey {
                video,
                rendition,
                index: segment,
            };
            if let Some(plan) = plan {
                notes::of_segment(
                    &sessions.records,
                    video,
                    plan,
                    (rendition, segment),
                    &report,
                )
                .await?;
            }
            Ok(sessions.publish(key, bytes).await?)
        }
        Made::Sheet(index) => match plan.and_then(|plan| plan.storyboard.as_ref()) {
            Some(board) => {
                let key = SegmentKey {
                    video,
                    rendition: board.id,
                    index,
                };
                Ok(sessions.publish(key, bytes).await?)
            }
            None => Ok(()),
        },
        Made::Init(rendition) => {
            let key = RenditionKey { video, rendition };
            match sessions
                .inits
                .store_or_compare_uncached(key, &bytes)
                .await?
            {
                true => Ok(()),
                false => Err(SessionError::Foreign(rendition)),
            }
        }
        Made::PosterJpeg(_) => poster(sessions, video, ImageFormat::Jpeg, bytes).await,
        Made::PosterWebp(_) => poster(sessions, video, ImageFormat::Webp, bytes).await,
        Made::Thumbnail { second, width } => {
            let key = ObjectKey::Thumbnail {
                video,
                width,
                second,
            };
            Ok(objects.put(&key, bytes).await?)
        }
        // Cues and loudness are stored together with the plan that lists them.
        Made::Cues { .. } | Made::Loudness(_) => Ok(()),
    }
}

/// Stores a video's poster in one format, and tells all processes.
async fn poster(
    sessions: &Sessions,
    video: VideoId,
    format: ImageFormat,
    bytes: Bytes,
) -> Result<(), SessionError> {
    let key = ObjectKey::Poster(video, format);
    sessions.records.stores.objects.put(&key, bytes).await?;
    sessions.inventory.record_poster(video, format);
    sessions
        .records
        .tell(Event::PosterStored { video, format })
        .await;
    Ok(())
}

//! Where what an engine made is stored.

use bytes::Bytes;
use plan::{Plan, RenditionKey, SegmentKey, VideoId};
use store::{ImageFormat, ObjectKey};
use transcoder::Made;

use crate::inner::Inner;
use crate::warnings;

/// Stores a product, unless its video is deleted: that gets nothing any more.
pub(super) async fn store(
    inner: &Inner,
    video: VideoId,
    plan: Option<&Plan>,
    made: Made,
    bytes: Bytes,
) -> Result<(), store::Error> {
    if inner.living(video).await?.is_none() {
        return Err(store::Error::NotFound);
    }
    let objects = &inner.stores.objects;
    match made {
        Made::Segment {
            rendition,
            segment,
            report,
        } => {
            tracing::debug!(%video, %rendition, segment, us = report.encode_us, "made");
            let key = SegmentKey {
                video,
                rendition,
                index: segment,
            };
            if report.damaged
                && let Some(plan) = plan
            {
                warnings::damaged(inner, video, plan, rendition, segment).await?;
            }
            inner.publish(key, bytes).await
        }
        Made::Sheet(index) => match plan.and_then(|plan| plan.storyboard.as_ref()) {
            Some(board) => {
                let key = SegmentKey {
                    video,
                    rendition: board.id,
                    index,
                };
                inner.publish(key, bytes).await
            }
            None => Ok(()),
        },
        Made::Init(rendition) => {
            let key = RenditionKey { video, rendition };
            objects.put_if_absent(&ObjectKey::Init(key), bytes).await?;
            inner.made.init(key);
            Ok(())
        }
        Made::PosterJpeg(_) => {
            let key = ObjectKey::Poster(video, ImageFormat::Jpeg);
            objects.put(&key, bytes).await?;
            inner.made.poster(video, ImageFormat::Jpeg);
            Ok(())
        }
        Made::PosterWebp(_) => {
            let key = ObjectKey::Poster(video, ImageFormat::Webp);
            objects.put(&key, bytes).await?;
            inner.made.poster(video, ImageFormat::Webp);
            Ok(())
        }
        Made::Thumbnail { second, width } => {
            let key = ObjectKey::Thumbnail {
                video,
                width,
                second,
            };
            objects.put(&key, bytes).await
        }
        // Stored with the plan that lists them.
        Made::Cues { .. } | Made::Loudness(_) => Ok(()),
    }
}

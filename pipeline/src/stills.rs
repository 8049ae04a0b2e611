//! Stills: those that a video needs, and those that are made when first asked for.

mod needed;

use std::sync::Arc;

use bytes::Bytes;
use plan::{SegmentKey, VideoId};
use store::ObjectKey;
use transcoder::Still;

use crate::cluster::ask;
use crate::inner::Inner;
use crate::run::{Run, Standing};
use crate::{DemandError, THUMBNAIL_WIDTHS, plans};
pub(crate) use needed::{beside, failed, is_done_without, needed};

pub(crate) async fn sheet(inner: &Arc<Inner>, key: SegmentKey) -> Result<Bytes, DemandError> {
    let object = ObjectKey::Segment(key);
    let plan = plans::listing(inner, key.video, key.rendition).await?;
    let board = plan.as_ref().and_then(|plan| plan.storyboard.as_ref());
    let listed = board.is_some_and(|board| board.id == key.rendition && key.index < board.sheets());
    if !listed {
        return Err(DemandError::NotFound);
    }
    made(inner, key.video, &object, Still::Sheet(key.index)).await
}

pub(crate) async fn thumbnail(
    inner: &Arc<Inner>,
    video: VideoId,
    width: u32,
    second: u32,
) -> Result<Bytes, DemandError> {
    let Some(row) = inner.living(video).await? else {
        return Err(DemandError::NotFound);
    };
    let has_picture = row.width_px.is_some();
    let within = row
        .duration_us
        .is_some_and(|us| i64::from(second) * 1_000_000 < us);
    if !has_picture || !within || !THUMBNAIL_WIDTHS.contains(&width) {
        return Err(DemandError::NotFound);
    }
    let object = ObjectKey::Thumbnail {
        video,
        width,
        second,
    };
    made(inner, video, &object, Still::Thumbnail { second, width }).await
}

async fn made(
    inner: &Arc<Inner>,
    video: VideoId,
    object: &ObjectKey,
    still: Still,
) -> Result<Bytes, DemandError> {
    match inner.stored(object).await {
        Err(DemandError::NotFound) => {}
        other => return other,
    }
    if inner.asks() {
        inner
            .within(inner.config.demand_wait, ask::still(inner, object))
            .await;
        let made = inner.stored(object).await;
        return made.map_err(|error| match error {
            DemandError::NotFound => DemandError::NotReady,
            other => other,
        });
    }
    // Over the bound nobody waits.
    let _waiting = inner
        .stills_waiting
        .try_acquire()
        .map_err(|_| DemandError::NotReady)?;
    let making = async {
        // The semaphore is never closed.
        let Ok(_permit) = inner.stills.acquire().await else {
            return Err(DemandError::NotReady);
        };
        // Whoever had the permit before may have made it.
        match inner.stored(object).await {
            Err(DemandError::NotFound) => {}
            other => return other,
        }
        let Some(row) = inner.living(video).await? else {
            return Err(DemandError::NotFound);
        };
        let Some(hash) = &row.current_plan else {
            return Err(DemandError::NotReady);
        };
        let plan = plans::load(inner, video, hash).await?;
        let made = async {
            let share = inner.memory.take(inner.memory_for(&plan, &[])).await;
            let mut run = Run::open(inner, &row, Standing::Foreground, share)?;
            run.plan(&plan).await;
            run.still(still).await
        };
        made.await.map_err(|error| {
            tracing::warn!(%error, %video, ?still, "a still could not be made");
            DemandError::NotReady
        })?;
        inner.stored(object).await
    };
    let made = inner.within(inner.config.demand_wait, making).await;
    made.unwrap_or(Err(DemandError::NotReady))
}

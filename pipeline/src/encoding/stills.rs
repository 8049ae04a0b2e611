//! Stills: those that a video needs, and those that are made when first asked for.

mod needed;
mod thumbnail;

use std::sync::Arc;

use bytes::Bytes;
use plan::{SegmentKey, VideoId};
use store::ObjectKey;
use transcoder::Still;

pub(crate) use self::needed::{beside, failed, is_done_without, needed};
pub use self::thumbnail::WIDTHS as THUMBNAIL_WIDTHS;
use crate::answers::DemandError;
use crate::cluster::ask;
use crate::encoding::session::{EncodingSession, Standing};
use crate::encoding::turns::{Asked, Viewer};
use crate::inner::Inner;

pub(crate) async fn sheet(
    inner: &Arc<Inner>,
    key: SegmentKey,
    viewer: &Viewer,
) -> Result<Bytes, DemandError> {
    let object = ObjectKey::Segment(key);
    let plan = inner.plans.listing(key.video, key.rendition).await?;
    let board = plan.as_ref().and_then(|plan| plan.storyboard.as_ref());
    let listed = board.is_some_and(|board| board.id == key.rendition && key.index < board.sheets());
    if !listed {
        return Err(DemandError::NotFound);
    }
    made(inner, &object, Still::Sheet(key.index), (key.video, viewer)).await
}

pub(crate) async fn thumbnail(
    inner: &Arc<Inner>,
    video: VideoId,
    (width, second): (u32, u32),
    viewer: &Viewer,
) -> Result<Bytes, DemandError> {
    let Some(row) = inner.records.living(video).await? else {
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
    let still = Still::Thumbnail { second, width };
    made(inner, &object, still, (video, viewer)).await
}

async fn made(
    inner: &Arc<Inner>,
    object: &ObjectKey,
    still: Still,
    (video, viewer): (VideoId, &Viewer),
) -> Result<Bytes, DemandError> {
    match inner.records.stored(object).await {
        Err(DemandError::NotFound) => {}
        other => return other,
    }
    // Over the bound nobody waits.
    let _seat = inner.stills_waiting.take(viewer.network);
    _seat.as_ref().ok_or(DemandError::NotReady)?;
    if inner.asks() {
        let asking = ask::still(&inner.remote, object, viewer);
        inner.records.within(inner.config.demand_wait, asking).await;
        let made = inner.records.stored(object).await;
        return made.map_err(|error| match error {
            DemandError::NotFound => DemandError::NotReady,
            other => other,
        });
    }
    let making = async {
        // One at a time, of whose network it is the turn, like segments. Where its turn does not come, it is let go.
        let until = inner.stores.clock.now() + inner.config.demand_wait;
        let asked = Asked {
            viewer: viewer.clone(),
            second_try: false,
            deadline: until,
            until,
        };
        let (Ok(_turn), Ok(_permit)) = (
            inner.stills_turns.ask(&asked, video).await,
            inner.stills.acquire().await,
        ) else {
            return Err(DemandError::NotReady);
        };
        // Whoever had the turn before may have made it.
        match inner.records.stored(object).await {
            Err(DemandError::NotFound) => {}
            other => return other,
        }
        let Some(row) = inner.records.living(video).await? else {
            return Err(DemandError::NotFound);
        };
        let Some(hash) = &row.current_plan else {
            return Err(DemandError::NotReady);
        };
        let plan = inner.plans.load(video, hash).await?;
        let made = async {
            if let Still::Thumbnail { second, width } = still {
                return thumbnail::make(inner, &row, &plan, (width, second)).await;
            }
            let share = inner
                .sessions
                .memory
                .take(inner.sessions.memory_for(&plan, &[]))
                .await;
            // It gives way to viewers, and does not keep the background from its work.
            let mut run =
                EncodingSession::open(&inner.sessions, &row, Standing::Background, share)?;
            run.plan(&plan).await;
            run.still(still).await
        };
        made.await.map_err(|error| {
            tracing::warn!(%error, %video, ?still, "a still could not be made");
            DemandError::NotReady
        })?;
        inner.records.stored(object).await
    };
    let made = inner.records.within(inner.config.demand_wait, making).await;
    made.unwrap_or(Err(DemandError::NotReady))
}

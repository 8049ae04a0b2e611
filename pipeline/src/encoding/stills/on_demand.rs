//! Stills that are made when somebody first asks for them: storyboard sheets and thumbnails.

use std::sync::Arc;

use bytes::Bytes;
use plan::{SegmentKey, VideoId};
use store::ObjectKey;
use transcoder::Still;

use super::maker::StillMaker;
use super::thumbnail::{self, WIDTHS};
use crate::answers::DemandError;
use crate::cluster::ask::{self};
use crate::encoding::session::{EncodingSession, Standing};
use crate::encoding::turns::{Asked, Viewer};

/// Returns a storyboard sheet: from the store, or made now.
pub(crate) async fn sheet(
    stills: &Arc<StillMaker>,
    key: SegmentKey,
    viewer: &Viewer,
) -> Result<Bytes, DemandError> {
    let object = ObjectKey::Segment(key);
    let plan = stills
        .planner
        .plans
        .listing(key.video, key.rendition)
        .await?;
    let board = plan.as_ref().and_then(|plan| plan.storyboard.as_ref());
    let listed = board.is_some_and(|board| board.id == key.rendition && key.index < board.sheets());
    if !listed {
        return Err(DemandError::NotFound);
    }
    read_or_make(
        stills,
        &object,
        Still::Sheet(key.index),
        (key.video, viewer),
    )
    .await
}

/// Returns the thumbnail of a video at a whole second: from the store, or made now.
pub(crate) async fn thumbnail(
    stills: &Arc<StillMaker>,
    video: VideoId,
    (width, second): (u32, u32),
    viewer: &Viewer,
) -> Result<Bytes, DemandError> {
    let Some(row) = stills.planner.records.living(video).await? else {
        return Err(DemandError::NotFound);
    };
    let has_picture = row.width_px.is_some();
    let within = row
        .duration_us
        .is_some_and(|us| i64::from(second) * 1_000_000 < us);
    if !has_picture || !within || !WIDTHS.contains(&width) {
        return Err(DemandError::NotFound);
    }
    let object = ObjectKey::Thumbnail {
        video,
        width,
        second,
    };
    let still = Still::Thumbnail { second, width };
    read_or_make(stills, &object, still, (video, viewer)).await
}

/// Reads a still from the store, or has it made in turn if it is not stored.
async fn read_or_make(
    stills: &Arc<StillMaker>,
    object: &ObjectKey,
    still: Still,
    (video, viewer): (VideoId, &Viewer),
) -> Result<Bytes, DemandError> {
    match stills.planner.records.stored(object).await {
        Err(DemandError::NotFound) => {}
        other => return other,
    }
    // A request beyond the limit does not wait: it is told to ask again.
    let _seat = stills.waiting.take(viewer.network);
    _seat.as_ref().ok_or(DemandError::NotReady)?;
    if let Some(remote) = &stills.remote {
        let asking = ask::still(remote, object, viewer);
        stills
            .planner
            .records
            .within(stills.planner.config.demand_wait, asking)
            .await;
        let made = stills.planner.records.stored(object).await;
        return made.map_err(|error| match error {
            DemandError::NotFound => DemandError::NotReady,
            other => other,
        });
    }
    let making = async {
        // One still is made at a time, and networks take turns, as for segments. A request whose turn does not come in
        // time ends.
        let until = stills.planner.records.stores.clock.now() + stills.planner.config.demand_wait;
        let asked = Asked {
            viewer: viewer.clone(),
            second_try: false,
            deadline: until,
            until,
        };
        let (Ok(_turn), Ok(_permit)) = (
            stills.turns.ask(&asked, video).await,
            stills.permit.acquire().await,
        ) else {
            return Err(DemandError::NotReady);
        };
        // The holder of the permit before may have made this still.
        match stills.planner.records.stored(object).await {
            Err(DemandError::NotFound) => {}
            other => return other,
        }
        let Some(row) = stills.planner.records.living(video).await? else {
            return Err(DemandError::NotFound);
        };
        let Some(hash) = &row.current_plan else {
            return Err(DemandError::NotReady);
        };
        let plan = stills.planner.plans.load(video, hash).await?;
        let made = async {
            if let Still::Thumbnail { second, width } = still {
                return thumbnail::make(&stills.planner, &row, &plan, (width, second)).await;
            }
            let share = stills
                .planner
                .sessions
                .memory
                .take(stills.planner.sessions.memory_for(&plan, &[]))
                .await;
            // The session is a background one: it gives way to viewers' segments, and does not close the background
            // gate.
            let mut session =
                EncodingSession::open(&stills.planner.sessions, &row, Standing::Background, share)?;
            session.set_plan(&plan).await;
            session.make_still(still).await
        };
        made.await.map_err(|error| {
            tracing::warn!(%error, %video, ?still, "a still could not be made; the client is told to ask again");
            DemandError::NotReady
        })?;
        stills.planner.records.stored(object).await
    };
    let made = stills
        .planner
        .records
        .within(stills.planner.config.demand_wait, making)
        .await;
    made.unwrap_or(Err(DemandError::NotReady))
}

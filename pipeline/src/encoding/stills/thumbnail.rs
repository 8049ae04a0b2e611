//! Thumbnails: pictures at a whole second, made when first asked for. A thumbnail is made from a stored segment that is
//! large enough, of which a few small pictures are decoded, or from the source where no such segment is stored.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use futures::TryStreamExt;
use plan::{Plan, RenditionKey, SegmentKey, VideoId};
use store::metadata::VideoRow;
use store::{ObjectKey, Prefix};
use transcoder::Still;

use crate::encoding::session::{EncodingSession, SessionError, Standing};
use crate::plans::planner::Planner;
use crate::uploads::blocks::Held;

/// Widths in which thumbnails are made, in pixels.
pub const WIDTHS: [u32; 5] = [160, 320, 480, 640, 1280];

/// Thumbnails of one video that are kept, of those that this process knows. Clients can ask for any second in every
/// width: a video of two hours has 36,000 thumbnails.
const MOST_KEPT: u32 = 1000;

/// Makes a thumbnail and stores it. Its session is a background one: it gives way to viewers, and does not close the
/// background gate.
pub(super) async fn make(
    planner: &Arc<Planner>,
    row: &VideoRow,
    plan: &Arc<Plan>,
    (width, second): (u32, u32),
) -> Result<(), SessionError> {
    if !make_from_segment(planner, row, plan, (width, second)).await? {
        let share = planner
            .sessions
            .memory
            .take(planner.sessions.memory_for(plan, &[]))
            .await;
        let mut session =
            EncodingSession::open(&planner.sessions, row, Standing::Background, share)?;
        session.set_plan(plan).await;
        session
            .make_still(Still::Thumbnail { second, width })
            .await?;
    }
    let video = row.id;
    let key = ObjectKey::Thumbnail {
        video,
        width,
        second,
    };
    make_room(planner, video, &key).await
}

/// Makes a thumbnail from a stored segment; returns whether there was one that shows the picture.
async fn make_from_segment(
    planner: &Arc<Planner>,
    row: &VideoRow,
    plan: &Arc<Plan>,
    (width, second): (u32, u32),
) -> Result<bool, SessionError> {
    let Some(key) = find_segment(planner, row.id, plan, (width, second)).await? else {
        return Ok(false);
    };
    // The segment may have been deleted since the store was listed.
    let Some(source) = read_with_init(planner, key).await else {
        return Ok(false);
    };
    let share = planner
        .sessions
        .memory
        .take(planner.sessions.memory_for(plan, &[]))
        .await;
    let mut session = EncodingSession::open_held(
        &planner.sessions,
        row.id,
        Standing::Background,
        share,
        source,
    )?;
    session.set_plan(plan).await;
    let still = Still::StoredThumbnail {
        rendition: key.rendition,
        segment: key.index,
        second,
        width,
    };
    match session.make_still(still).await {
        Ok(()) => Ok(true),
        Err(error @ (SessionError::Fault(_) | SessionError::Unexplained)) => {
            tracing::warn!(%error, video = %row.id, "no thumbnail from a stored segment; the source is read");
            session.end().await;
            Ok(false)
        }
        Err(error) => Err(error),
    }
}

/// The smallest stored segment that shows this second at this width or wider, if there is one.
async fn find_segment(
    planner: &Planner,
    video: VideoId,
    plan: &Plan,
    (width, second): (u32, u32),
) -> Result<Option<SegmentKey>, store::Error> {
    let inventory = planner.inventory.known(video).await?;
    let timeline = &plan.timeline;
    let index = timeline.segment_of(timeline.tick_at_second(second));
    let is_stored = |id| inventory.has_init(id) && inventory.has(id, index);
    let mut rungs = plan.video.iter().rev();
    let rung = rungs.find(|rung| rung.size().width >= width && is_stored(rung.id));
    Ok(rung.map(|rung| SegmentKey {
        video,
        rendition: rung.id,
        index,
    }))
}

/// Bytes of an init segment and a segment together: a complete file that an engine can open.
async fn read_with_init(planner: &Planner, key: SegmentKey) -> Option<Held> {
    let (video, rendition) = (key.video, key.rendition);
    let init = ObjectKey::Init(RenditionKey { video, rendition });
    let init = planner.records.stored(&init).await.ok()?;
    let segment = planner
        .records
        .stored(&ObjectKey::Segment(key))
        .await
        .ok()?;
    let mut whole = BytesMut::with_capacity(init.len() + segment.len());
    whole.extend_from_slice(&init);
    whole.extend_from_slice(&segment);
    Some(Held(Bytes::from(whole)))
}

/// Notes that a thumbnail was stored, and deletes every second one of the others if there are too many. A deleted
/// thumbnail is made again when somebody asks for it.
async fn make_room(
    planner: &Planner,
    video: VideoId,
    newest: &ObjectKey,
) -> Result<(), SessionError> {
    planner.inventory.record_thumbnail(video);
    if planner.inventory.known(video).await?.thumbnails <= MOST_KEPT {
        return Ok(());
    }
    let objects = &planner.records.stores.objects;
    let mut listed = objects.list(&Prefix::Video(video)).await?;
    let mut thumbnails = Vec::new();
    while let Some(object) = listed.try_next().await? {
        if matches!(object.key, ObjectKey::Thumbnail { .. }) && object.key != *newest {
            thumbnails.push(object.key);
        }
    }
    if thumbnails.len() >= MOST_KEPT as usize {
        let surplus: Vec<ObjectKey> = thumbnails.into_iter().step_by(2).collect();
        objects.delete(&surplus).await?;
    }
    planner.inventory.relist(video).await?;
    Ok(())
}

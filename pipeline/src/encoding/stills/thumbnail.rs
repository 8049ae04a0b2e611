//! Thumbnails: pictures at a whole second, made when first asked for. They come from a stored segment where there is one that
//! is large enough, of which a few small pictures are decoded; from the source otherwise.

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

/// Widths that thumbnails are made in, in pixels.
pub const WIDTHS: [u32; 5] = [160, 320, 480, 640, 1280];

/// Thumbnails of one video that are kept, of those that this process knows of. They can be asked for at any second in every
/// width: 36,000 of two hours.
const MOST_KEPT: u32 = 1000;

/// Makes one and stores it. It gives way to viewers, and does not keep the background from its work.
pub(super) async fn make(
    planner: &Arc<Planner>,
    row: &VideoRow,
    plan: &Arc<Plan>,
    (width, second): (u32, u32),
) -> Result<(), SessionError> {
    if !of_stored(planner, row, plan, (width, second)).await? {
        let share = planner
            .sessions
            .memory
            .take(planner.sessions.memory_for(plan, &[]))
            .await;
        let mut run = EncodingSession::open(&planner.sessions, row, Standing::Background, share)?;
        run.plan(plan).await;
        run.still(Still::Thumbnail { second, width }).await?;
    }
    let video = row.id;
    let key = ObjectKey::Thumbnail {
        video,
        width,
        second,
    };
    make_room(planner, video, &key).await
}

/// Makes it of what is stored, where that shows it.
async fn of_stored(
    planner: &Arc<Planner>,
    row: &VideoRow,
    plan: &Arc<Plan>,
    (width, second): (u32, u32),
) -> Result<bool, SessionError> {
    let Some(key) = stored(planner, row.id, plan, (width, second)).await? else {
        return Ok(false);
    };
    // It may have been swept since it was listed.
    let Some(source) = whole(planner, key).await else {
        return Ok(false);
    };
    let share = planner
        .sessions
        .memory
        .take(planner.sessions.memory_for(plan, &[]))
        .await;
    let mut run = EncodingSession::open_held(
        &planner.sessions,
        row.id,
        Standing::Background,
        share,
        source,
    )?;
    run.plan(plan).await;
    let still = Still::StoredThumbnail {
        rendition: key.rendition,
        segment: key.index,
        second,
        width,
    };
    match run.still(still).await {
        Ok(()) => Ok(true),
        Err(error @ (SessionError::Fault(_) | SessionError::Unexplained)) => {
            tracing::warn!(%error, video = %row.id, "a stored segment does not show its picture");
            run.end().await;
            Ok(false)
        }
        Err(error) => Err(error),
    }
}

/// The smallest segment that shows this second at least as wide, if one is stored.
async fn stored(
    planner: &Planner,
    video: VideoId,
    plan: &Plan,
    (width, second): (u32, u32),
) -> Result<Option<SegmentKey>, store::Error> {
    let made = planner.inventory.known(video).await?;
    let timeline = &plan.timeline;
    let index = timeline.segment_of(timeline.tick_at_second(second));
    let is_stored = |id| made.has_init(id) && made.has(id, index);
    let mut rungs = plan.video.iter().rev();
    let rung = rungs.find(|rung| rung.size().width >= width && is_stored(rung.id));
    Ok(rung.map(|rung| SegmentKey {
        video,
        rendition: rung.id,
        index,
    }))
}

/// A segment behind its init segment, which is a whole file.
async fn whole(planner: &Planner, key: SegmentKey) -> Option<Held> {
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

/// One more is stored. Of too many every second one of the others goes: who asks for it again has it made again.
async fn make_room(
    planner: &Planner,
    video: VideoId,
    newest: &ObjectKey,
) -> Result<(), SessionError> {
    planner.inventory.thumbnail(video);
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
    planner.inventory.relisted(video).await?;
    Ok(())
}

//! Deletion: a tombstone at once, then sweeps, since a worker may put a last object late.

use std::sync::Arc;
use std::time::Duration;

use plan::{Code, VideoId};
use store::metadata::{PageRequest, State};
use store::{Event, Prefix, objects};

use crate::cluster::announce::Presence;
use crate::cluster::chosen;
use crate::plans::planner::Planner;
use crate::plans::retire;
use crate::uploads;
use crate::uploads::Uploads;

/// When a deleted video's objects are swept again.
const SWEEPS: [Duration; 3] = [
    Duration::from_secs(60),
    Duration::from_secs(3600),
    Duration::from_secs(86_400),
];
/// After a sweep that failed.
const AGAIN: Duration = Duration::from_secs(10);
/// How often the janitor looks at tombstones: the sweeps of a process that ended are left to it.
const ROUND: Duration = Duration::from_secs(3600);
/// In one of so many rounds every video is looked at, for plans that nobody needs any more.
const RETIRED_EVERY: u32 = 24;
/// A tombstone is swept in every round for this long, in microseconds: a day and a round.
const SWEPT_US: i64 = (86_400 + 2 * 3600) * 1_000_000;
/// A cache in front is told again in every round for this long, in microseconds: whoever deleted
/// may have ended before it could.
const PURGED_US: i64 = 2 * 3600 * 1_000_000;
/// How long a tombstone is kept, in microseconds.
const KEPT_US: i64 = 30 * 86_400 * 1_000_000;
/// An upload that has not moved for so long is given up, in microseconds: a block of 8 MiB at
/// 20 kbit/s takes less.
const STILL_US: i64 = 3600 * 1_000_000;
/// Rows read at once.
const PAGE: u32 = 100;

/// What deletes videos, and sweeps up what is left of deleted and abandoned ones.
pub(crate) struct Janitor {
    pub(crate) planner: Arc<Planner>,
    pub(crate) uploads: Arc<Uploads>,
    /// This worker among the others; nothing where the process is none.
    pub(crate) presence: Option<Arc<Presence>>,
}

pub(crate) async fn delete(janitor: &Arc<Janitor>, video: VideoId) -> Result<(), store::Error> {
    let now = janitor.planner.records.stores.clock.now_us();
    janitor
        .planner
        .records
        .change(video, |row| {
            let living = row.state != State::Deleted;
            if living {
                row.state = State::Deleted;
                row.deleted_at_us = Some(now);
            }
            living
        })
        .await?;
    janitor.planner.inventory.forget(video);
    janitor.planner.records.tell(Event::Deleted { video }).await;
    janitor.planner.purge.forget(video);
    // From here on it is deleted, whatever the stores say: what cannot be swept now is later.
    let mut left = sweep(janitor, video).await;
    let (janitor, tasks) = (janitor.clone(), janitor);
    tasks.planner.sessions.tasks.spawn(async move {
        for pause in SWEEPS {
            while let Err(error) = left {
                tracing::warn!(%error, %video, "a deleted video could not be swept");
                janitor.planner.records.stores.clock.sleep(AGAIN).await;
                left = sweep(&janitor, video).await;
            }
            janitor.planner.records.stores.clock.sleep(pause).await;
            left = sweep(&janitor, video).await;
        }
    });
    Ok(())
}

async fn sweep(janitor: &Janitor, video: VideoId) -> Result<(), store::Error> {
    let objects = &*janitor.planner.records.stores.objects;
    objects::delete_prefix(objects, &Prefix::Video(video)).await?;
    for upload in janitor
        .planner
        .records
        .stores
        .metadata
        .uploads()
        .list_by_video(&video)
        .await?
    {
        objects::delete_prefix(objects, &Prefix::Upload(upload.id)).await?;
    }
    let metadata = &janitor.planner.records.stores.metadata;
    metadata.views().remove(&video).await?;
    metadata.tries().remove(&video).await
}

/// Sweeps what was deleted lately, forgets what was deleted long ago, and gives up uploads that
/// do not move any more; for ever.
pub(crate) async fn clean(janitor: Arc<Janitor>) {
    for rounds in (0..RETIRED_EVERY).cycle() {
        let retired = match rounds {
            0 => retire::round(&janitor.planner).await,
            _ => Ok(()),
        };
        for done in [round(&janitor).await, give_up(&janitor).await, retired] {
            if let Err(error) = done {
                tracing::warn!(%error, "the janitor's round stopped short");
            }
        }
        janitor.planner.records.stores.clock.sleep(ROUND).await;
    }
}

async fn round(janitor: &Arc<Janitor>) -> Result<(), store::Error> {
    let now = janitor.planner.records.stores.clock.now_us();
    let mut page = PageRequest::first(PAGE);
    loop {
        let videos = janitor.planner.records.stores.metadata.videos();
        let rows = videos.list_tombstones(now, &page).await?;
        for row in rows.items {
            let age_us = now.saturating_sub(row.deleted_at_us.unwrap_or(now));
            // Another worker does what is to be done for it.
            if !looks_after(janitor, row.id).await {
                continue;
            }
            if age_us < PURGED_US {
                janitor.planner.purge.forget(row.id);
            }
            if age_us < SWEPT_US {
                sweep(janitor, row.id).await?;
            } else if age_us > KEPT_US {
                forget(janitor, row.id).await?;
            }
        }
        match rows.next {
            Some(cursor) => page = PageRequest::after(cursor, PAGE),
            None => return Ok(()),
        }
    }
}

/// Whether the deletion of a video is told of by this process, of all the workers there are.
async fn looks_after(janitor: &Janitor, video: VideoId) -> bool {
    let Some(presence) = &janitor.presence else {
        return true;
    };
    let workers = presence.workers().await;
    chosen::looks_after(video, &workers) == Some(presence.id)
}

/// A tombstone has served its time.
async fn forget(janitor: &Janitor, video: VideoId) -> Result<(), store::Error> {
    sweep(janitor, video).await?;
    let uploads = janitor.planner.records.stores.metadata.uploads();
    for upload in uploads.list_by_video(&video).await? {
        uploads.remove(&upload.id).await?;
    }
    janitor
        .planner
        .records
        .stores
        .metadata
        .videos()
        .remove(&video)
        .await
}

/// Uploads whose origin died with them: nobody goes on with their connections.
async fn give_up(janitor: &Arc<Janitor>) -> Result<(), store::Error> {
    let before = janitor.planner.records.stores.clock.now_us() - STILL_US;
    let uploads = janitor.planner.records.stores.metadata.uploads();
    for upload in uploads.list_stale(before, PAGE).await? {
        if !uploads.give_up(&upload).await? {
            continue;
        }
        tracing::info!(video = %upload.video, "an upload does not move any more");
        uploads::lose(&janitor.uploads, upload.video, upload.id, Code::UploadLost).await?;
    }
    Ok(())
}

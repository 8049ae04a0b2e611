//! Deletion of videos: a tombstone at once, then several sweeps, since a worker may store a last object late.

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

/// Pauses before a deleted video's objects are swept again.
const SWEEPS: [Duration; 3] = [
    Duration::from_secs(60),
    Duration::from_secs(3600),
    Duration::from_secs(86_400),
];
/// Pause after a sweep that failed.
const AGAIN: Duration = Duration::from_secs(10);
/// Pause between the janitor's rounds. The janitor does the sweeps that a process left undone when it ended.
const ROUND: Duration = Duration::from_secs(3600);
/// Rounds after which the janitor also looks at every video for plans that nobody needs any more: once a day.
const RETIRED_EVERY: u32 = 24;
/// How long a tombstone is swept in every round, in microseconds: a day and two rounds.
const SWEPT_US: i64 = (86_400 + 2 * 3600) * 1_000_000;
/// How long a cache in front of origins is told of a deletion in every round, in microseconds: the process that deleted
/// the video may have ended before it could tell the cache.
const PURGED_US: i64 = 2 * 3600 * 1_000_000;
/// How long a tombstone is kept, in microseconds.
const KEPT_US: i64 = 30 * 86_400 * 1_000_000;
/// Time without progress after which an upload is given up, in microseconds: a block of 8 MiB at 20 kbit/s takes less.
const STALLED_US: i64 = 3600 * 1_000_000;
/// Rows that are read at once.
const PAGE: u32 = 100;

/// Deletes videos, and sweeps up what is left of deleted videos and abandoned uploads.
pub(crate) struct Janitor {
    pub(crate) planner: Arc<Planner>,
    pub(crate) uploads: Arc<Uploads>,
    /// This worker among the others; `None` where the process is no worker.
    pub(crate) presence: Option<Arc<Presence>>,
}

/// Deletes a video: its row becomes a tombstone at once, and its objects are swept several times.
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
    // From here on the video is deleted, whatever the stores answer: what cannot be swept now is swept later.
    let mut left = sweep(janitor, video).await;
    let (janitor, tasks) = (janitor.clone(), janitor);
    tasks.planner.sessions.tasks.spawn(async move {
        for pause in SWEEPS {
            while let Err(error) = left {
                tracing::warn!(%error, %video, "a deleted video could not be swept; the sweep is tried again");
                janitor.planner.records.stores.clock.sleep(AGAIN).await;
                left = sweep(&janitor, video).await;
            }
            janitor.planner.records.stores.clock.sleep(pause).await;
            left = sweep(&janitor, video).await;
        }
    });
    Ok(())
}

/// Deletes all objects, views and tries of a deleted video.
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

/// The janitor: sweeps videos that were deleted lately, forgets those that were deleted long ago, and gives up uploads
/// without progress. Runs for ever.
pub(crate) async fn clean(janitor: Arc<Janitor>) {
    for rounds in (0..RETIRED_EVERY).cycle() {
        let retired = match rounds {
            0 => retire::round(&janitor.planner).await,
            _ => Ok(()),
        };
        for done in [round(&janitor).await, give_up(&janitor).await, retired] {
            if let Err(error) = done {
                tracing::warn!(%error, "a round of the janitor failed; the next round goes on");
            }
        }
        janitor.planner.records.stores.clock.sleep(ROUND).await;
    }
}

/// Handles every tombstone once: purge, sweep or removal, by its age.
async fn round(janitor: &Arc<Janitor>) -> Result<(), store::Error> {
    let now = janitor.planner.records.stores.clock.now_us();
    let mut page = PageRequest::first(PAGE);
    loop {
        let videos = janitor.planner.records.stores.metadata.videos();
        let rows = videos.list_tombstones(now, &page).await?;
        for row in rows.items {
            let age_us = now.saturating_sub(row.deleted_at_us.unwrap_or(now));
            // Another worker looks after this video.
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

/// Whether this process, of all workers, handles the deletion of a video.
async fn looks_after(janitor: &Janitor, video: VideoId) -> bool {
    let Some(presence) = &janitor.presence else {
        return true;
    };
    let workers = presence.workers().await;
    chosen::looks_after(video, &workers) == Some(presence.id)
}

/// Removes a tombstone whose time is over, and all rows of its uploads.
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

/// Gives up uploads whose origin has died with their connections.
async fn give_up(janitor: &Arc<Janitor>) -> Result<(), store::Error> {
    let before = janitor.planner.records.stores.clock.now_us() - STALLED_US;
    let uploads = janitor.planner.records.stores.metadata.uploads();
    for upload in uploads.list_stale(before, PAGE).await? {
        if !uploads.give_up(&upload).await? {
            continue;
        }
        tracing::info!(video = %upload.video, "an upload has made no progress for an hour and is given up");
        uploads::lose(&janitor.uploads, upload.video, upload.id, Code::UploadLost).await?;
    }
    Ok(())
}

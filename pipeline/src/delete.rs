//! Deletion: a tombstone at once, then sweeps, since a worker may put a last object late.

use std::sync::Arc;
use std::time::Duration;

use plan::VideoId;
use store::metadata::{PageRequest, State};
use store::{Event, Prefix, objects};

use crate::inner::Inner;

/// When a deleted video's objects are swept again.
const SWEEPS: [Duration; 3] = [
    Duration::from_secs(60),
    Duration::from_secs(3600),
    Duration::from_secs(86_400),
];
/// Rows read at once.
const PAGE: u32 = 100;

pub(crate) async fn delete(inner: &Arc<Inner>, video: VideoId) -> Result<(), store::Error> {
    let now = inner.stores.clock.now_us();
    inner
        .change(video, |row| {
            let living = row.state != State::Deleted;
            if living {
                row.state = State::Deleted;
                row.deleted_at_us = Some(now);
            }
            living
        })
        .await?;
    inner.made.lock().remove(&video);
    inner
        .stores
        .events
        .publish(Event::Deleted { video })
        .await?;
    sweep(inner, video).await?;
    let inner = inner.clone();
    tokio::spawn(async move {
        for pause in SWEEPS {
            inner.stores.clock.sleep(pause).await;
            if let Err(error) = sweep(&inner, video).await {
                tracing::warn!(%error, %video, "a deleted video could not be swept");
            }
        }
    });
    Ok(())
}

async fn sweep(inner: &Inner, video: VideoId) -> Result<(), store::Error> {
    let objects = &*inner.stores.objects;
    objects::delete_prefix(objects, &Prefix::Video(video)).await?;
    for upload in inner
        .stores
        .metadata
        .uploads()
        .list_by_video(&video)
        .await?
    {
        objects::delete_prefix(objects, &Prefix::Upload(upload.id)).await?;
    }
    inner.stores.metadata.tries().remove(&video).await
}

/// After a start: sweeps what was deleted before, since the later sweeps died with the process.
pub(crate) async fn sweep_leftovers(inner: Arc<Inner>) {
    let now = inner.stores.clock.now_us();
    let mut page = PageRequest::first(PAGE);
    loop {
        let rows = match inner
            .stores
            .metadata
            .videos()
            .list_tombstones(now, &page)
            .await
        {
            Ok(rows) => rows,
            Err(error) => {
                tracing::warn!(%error, "tombstones cannot be listed");
                return;
            }
        };
        for row in rows.items {
            if let Err(error) = sweep(&inner, row.id).await {
                tracing::warn!(%error, video = %row.id, "a deleted video could not be swept");
            }
        }
        match rows.next {
            Some(cursor) => page = PageRequest::after(cursor, PAGE),
            None => return,
        }
    }
}

//! Copies all videos: the living ones first, then the rows of deleted ones.

use std::sync::Arc;

use anyhow::{Context, Result};
use futures::stream::BoxStream;
use futures::{Stream, StreamExt, TryStreamExt, stream};
use store::Error;
use store::metadata::{Page, PageRequest, VideoRow, Videos};

use super::Migration;
use super::progress::expected_bytes;
use super::summary::VideoCounts;
use super::video::Outcome;

/// Videos that are copied at once: with many small videos, most of the time is spent waiting for answers.
const VIDEOS: usize = 8;

/// Videos in a row that may fail because a store does not answer. This many are not by chance: the copy stops.
const IN_A_ROW: u32 = 3;

/// Copies all videos and counts the outcomes.
///
/// # Errors
/// A video failed for a reason that would stop the others too.
pub async fn copy_all(migration: &Arc<Migration>) -> Result<VideoCounts> {
    let videos = migration.from.metadata.videos();
    let mut expected = rows(videos);
    let unlisted = "the videos of the source cannot be listed";
    while let Some(row) = expected.try_next().await.context(unlisted)? {
        migration.progress.expect_video(expected_bytes(&row));
    }

    let mut counts = VideoCounts::default();
    let mut in_a_row = 0;
    let copied = rows(videos).map(async |row: Result<VideoRow, Error>| match row {
        Ok(row) => {
            let video = row.id;
            Ok((video, migration.copy_video(row).await))
        }
        Err(error) => Err(error),
    });
    let mut copied = std::pin::pin!(copied.buffer_unordered(VIDEOS));
    while let Some(done) = copied.next().await {
        let (video, outcome) = done.context(unlisted)?;
        match outcome {
            Ok(outcome) => {
                in_a_row = 0;
                counts.add(outcome);
                if outcome == Outcome::Newer {
                    let newer =
                        format!("{video} is newer in the target; it was left there as it is");
                    migration.progress.print(&newer);
                }
            }
            Err(trouble) => {
                in_a_row = if trouble.may_stop_copy() {
                    in_a_row + 1
                } else {
                    0
                };
                let stops_copy = trouble.stops_copy() || in_a_row == IN_A_ROW;
                let trouble =
                    anyhow::Error::from(trouble).context(format!("{video} is not copied"));
                if stops_copy {
                    return Err(trouble);
                }
                counts.failed += 1;
                migration.progress.print(&format!("{trouble:#}"));
            }
        }
        migration.progress.video_done();
    }
    Ok(counts)
}

/// Rows of all videos, read page by page: the living ones, newest first, then those of deleted videos.
fn rows(videos: &dyn Videos) -> BoxStream<'_, Result<VideoRow, Error>> {
    let living = pages(move |page| async move { videos.list(None, &page).await });
    let tombstones =
        pages(move |page| async move { videos.list_tombstones(i64::MAX, &page).await });
    living.chain(tombstones).boxed()
}

fn pages<'a, F>(
    page: impl Fn(PageRequest) -> F + Clone + Send + 'a,
) -> impl Stream<Item = Result<VideoRow, Error>> + Send + 'a
where
    F: Future<Output = Result<Page<VideoRow>, Error>> + Send + 'a,
{
    let first = Some(PageRequest::first(PageRequest::MOST));
    let pages = stream::try_unfold(first, move |request| {
        let page = page.clone();
        async move {
            let Some(request) = request else {
                return Ok(None);
            };
            let Page { items, next } = page(request).await?;
            let next = next.map(|cursor| PageRequest::after(cursor, PageRequest::MOST));
            Ok::<_, Error>(Some((stream::iter(items).map(Ok), next)))
        }
    });
    pages.try_flatten()
}

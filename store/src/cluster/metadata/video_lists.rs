//! Lists of videos, newest first, stored beside the videos' rows. An entry says that a video may belong to a list;
//! the video's row says whether it does.
//!
//! Partitions stay small. The long lists are cut into spans of a week, by the videos' times of creation. The list of
//! unfinished videos is short but changes often, and is spread over buckets. The write time of an entry is its row's
//! epoch, so that the entries of the latest epoch count, in whatever order they arrive.

use std::cmp::Reverse;

use futures::{StreamExt, TryStreamExt, stream};
use plan::{OwnerId, VideoId};

use super::database::{Database, Say};
use crate::Error;
use crate::metadata::{Page, PageRequest, State, VideoRow};

/// Length of a span in microseconds: a week. A million videos a year give 20,000 entries for each span.
const SPAN_US: i64 = 7 * 24 * 3600 * 1_000_000;
/// Number of partitions over which the unfinished videos are spread.
const BUCKETS: u8 = 16;
/// Number of rows that are read concurrently for a page.
const CONCURRENT_READS: usize = 16;

const ADD: Say =
    Say::write("INSERT INTO video_lists (list, span, created_at_us, id) VALUES (?, ?, ?, ?)");
const ADD_SPAN: Say = Say::write("INSERT INTO video_list_spans (list, span) VALUES (?, ?)");
const REMOVE: Say = Say::write(
    "DELETE FROM video_lists WHERE list = ? AND span = ? AND created_at_us = ? AND id = ?",
);
const SPANS: Say = Say::read("SELECT span FROM video_list_spans WHERE list = ? AND span <= ?");
const ENTRIES: Say = Say::read(
    "SELECT created_at_us, id FROM video_lists
     WHERE list = ? AND span = ? AND (created_at_us, id) < (?, ?) LIMIT ?",
);

/// List of videos.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum List {
    All,
    Of(OwnerId),
    Unfinished { bucket: u8 },
    Tombstones,
}

/// Position in a list, newest first: time of creation in microseconds and id.
type Place = (i64, String);

impl List {
    /// All buckets of the list of unfinished videos.
    pub(super) fn unfinished() -> Vec<Self> {
        let list = |bucket| Self::Unfinished { bucket };
        (0..BUCKETS).map(list).collect()
    }

    /// Lists to which a row belongs.
    fn of(row: &VideoRow) -> Vec<Self> {
        if row.state == State::Deleted {
            return vec![Self::Tombstones];
        }
        let mut lists = vec![Self::All, Self::Of(row.owner)];
        lists.extend(row.is_unfinished().then(|| Self::of_unfinished(row.id)));
        lists
    }

    /// Lists to which a row may have belonged before its last change.
    fn left_by(row: &VideoRow) -> Vec<Self> {
        let unfinished = Self::of_unfinished(row.id);
        if row.state == State::Deleted {
            return vec![Self::All, Self::Of(row.owner), unfinished];
        }
        let is_over = !row.is_unfinished();
        is_over.then_some(unfinished).into_iter().collect()
    }

    fn of_unfinished(video: VideoId) -> Self {
        // The last byte of an id is random.
        let [.., last] = video.uuid().into_bytes();
        Self::Unfinished {
            bucket: last % BUCKETS,
        }
    }

    fn name(self) -> String {
        match self {
            Self::All => "all".to_owned(),
            Self::Of(owner) => owner.to_string(),
            Self::Unfinished { bucket } => format!("unfinished-{bucket}"),
            Self::Tombstones => "tombstones".to_owned(),
        }
    }

    const fn has_spans(self) -> bool {
        !matches!(self, Self::Unfinished { .. })
    }

    fn span(self, created_at_us: i64) -> i32 {
        if self.has_spans() {
            // The value fits: 64 bits of microseconds are 30 million weeks.
            created_at_us.div_euclid(SPAN_US) as i32
        } else {
            0
        }
    }

    fn entry(self, row: &VideoRow) -> (String, i32, i64, String) {
        let span = self.span(row.created_at_us);
        (self.name(), span, row.created_at_us, row.id.to_string())
    }
}

/// Write time of the entries that belong to a row's epoch.
fn time(row: &VideoRow) -> i64 {
    i64::try_from(row.epoch).unwrap_or(i64::MAX - 1) + 1
}

/// Adds entries to the lists to which the row will belong. It must be called before the row is written.
pub(super) async fn join(database: &Database, row: &VideoRow) -> Result<(), Error> {
    for list in List::of(row) {
        if list.has_spans() {
            let span = (list.name(), list.span(row.created_at_us));
            database.write(ADD_SPAN, span).await?;
        }
        database.write_at(ADD, list.entry(row), time(row)).await?;
    }
    Ok(())
}

/// Removes entries from the lists to which the row no longer belongs. It must be called after the row is written.
/// Entries that cannot be removed now are removed when they are read.
pub(super) async fn leave(database: &Database, row: &VideoRow) {
    if let Err(error) = try_leave(database, row).await {
        tracing::warn!(%error, video = %row.id, "an outdated list entry could not be removed");
    }
}

async fn try_leave(database: &Database, row: &VideoRow) -> Result<(), Error> {
    for list in List::left_by(row) {
        database
            .write_at(REMOVE, list.entry(row), time(row))
            .await?;
    }
    Ok(())
}

/// Removes all entries of a row that is deleted for good.
pub(super) async fn forget(database: &Database, row: &VideoRow) -> Result<(), Error> {
    let lists = [
        List::All,
        List::Of(row.owner),
        List::of_unfinished(row.id),
        List::Tombstones,
    ];
    for list in lists {
        database.write(REMOVE, list.entry(row)).await?;
    }
    Ok(())
}

/// Reads a page of the rows that belong to any of these lists and satisfy `is_shown`.
pub(super) async fn page(
    database: &Database,
    lists: &[List],
    page: &PageRequest,
    is_shown: impl Fn(&VideoRow) -> bool,
) -> Result<Page<VideoRow>, Error> {
    let limit = page.limit.clamp(1, PageRequest::MOST) as usize;
    let mut before = match page.after {
        // All ids sort before a tilde.
        None => (i64::MAX, "~".to_owned()),
        Some(cursor) => (cursor.created_at_us, cursor.id.to_string()),
    };
    let mut items = Vec::new();
    // One row more than requested tells whether there is a next page.
    while items.len() <= limit {
        let found = entries(database, lists, &before, limit + 1).await?;
        let Some(last) = found.last() else { break };
        before = last.clone();
        let rows = stream::iter(found).map(|place| look(database, place));
        let rows: Vec<_> = rows.buffered(CONCURRENT_READS).try_collect().await?;
        for row in rows.into_iter().flatten() {
            if is_shown(&row) {
                items.push(row);
            } else if !List::of(&row).iter().any(|list| lists.contains(list)) {
                // The process that changed the row was killed before it removed this entry.
                leave(database, &row).await;
            }
        }
    }
    Ok(Page::cut(items, limit))
}

/// Reads the row to which an entry refers; `None` if the row was removed or never written.
async fn look(database: &Database, (created_at_us, id): Place) -> Result<Option<VideoRow>, Error> {
    let row = super::videos::get(database, &id).await?;
    Ok(row.filter(|row| row.created_at_us == created_at_us))
}

/// Next positions of several lists merged in order: at most `limit`, or all that exist.
async fn entries(
    database: &Database,
    lists: &[List],
    before: &Place,
    limit: usize,
) -> Result<Vec<Place>, Error> {
    let of_one = |list: &List| entries_of(database, *list, before, limit);
    let found = stream::iter(lists).map(of_one).buffered(CONCURRENT_READS);
    let mut found: Vec<Place> = found.try_concat().await?;
    found.sort_unstable_by(|a, b| Reverse(a).cmp(&Reverse(b)));
    // Later positions of one list may come before further positions of another list.
    found.truncate(limit);
    Ok(found)
}

async fn entries_of(
    database: &Database,
    list: List,
    (before_us, before_id): &Place,
    limit: usize,
) -> Result<Vec<Place>, Error> {
    let name = list.name();
    let latest = list.span(*before_us);
    let spans = if list.has_spans() {
        database.rows::<(i32,)>(SPANS, (&name, latest)).await?
    } else {
        vec![(latest,)]
    };
    let mut found = Vec::new();
    for (span,) in spans {
        let left = (limit - found.len()) as i32;
        let place = (&name, span, before_us, before_id, left);
        found.extend(database.rows::<Place>(ENTRIES, place).await?);
        if found.len() >= limit {
            break;
        }
    }
    Ok(found)
}

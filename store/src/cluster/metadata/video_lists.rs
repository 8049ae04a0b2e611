//! Lists of videos, newest first, beside their rows. An entry says that a video may belong to a
//! list; its row says whether it does.
//!
//! Partitions stay small: the long lists are cut into spans of a week, by the time of a video's
//! creation, and that of the unfinished, which is small but restless, is spread over buckets.
//! Entries carry the epoch of their row as their time, so that whatever order they arrive in,
//! those of the last epoch count.

use std::cmp::Reverse;

use futures::{StreamExt, TryStreamExt, stream};
use plan::{OwnerId, VideoId};

use super::database::{Database, Say};
use crate::Error;
use crate::metadata::{Page, PageRequest, State, VideoRow};

/// A million videos a year are 20,000 entries a span.
const SPAN_US: i64 = 7 * 24 * 3600 * 1_000_000;
/// Partitions that the unfinished are spread over.
const BUCKETS: u8 = 16;
/// Rows that are read at once for a page.
const ROWS: usize = 16;

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

/// A list of videos.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum List {
    All,
    Of(OwnerId),
    Unfinished { bucket: u8 },
    Tombstones,
}

/// A place in a list, newest first.
type Place = (i64, String);

impl List {
    /// The lists that the unfinished are spread over.
    pub(super) fn unfinished() -> Vec<Self> {
        let list = |bucket| Self::Unfinished { bucket };
        (0..BUCKETS).map(list).collect()
    }

    /// The lists that a row belongs to.
    fn of(row: &VideoRow) -> Vec<Self> {
        if row.state == State::Deleted {
            return vec![Self::Tombstones];
        }
        let mut lists = vec![Self::All, Self::Of(row.owner)];
        lists.extend(row.is_unfinished().then(|| Self::of_unfinished(row.id)));
        lists
    }

    /// The lists that a row may have belonged to before.
    fn left_by(row: &VideoRow) -> Vec<Self> {
        let unfinished = Self::of_unfinished(row.id);
        if row.state == State::Deleted {
            return vec![Self::All, Self::Of(row.owner), unfinished];
        }
        let is_over = !row.is_unfinished();
        is_over.then_some(unfinished).into_iter().collect()
    }

    fn of_unfinished(video: VideoId) -> Self {
        // Its end is random.
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
            // It fits: 64 bits of microseconds are 30 million weeks.
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

/// The time of the entries that a row's epoch makes.
fn time(row: &VideoRow) -> i64 {
    i64::try_from(row.epoch).unwrap_or(i64::MAX - 1) + 1
}

/// Before a row is what it is here: it may belong to these lists.
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

/// Now that a row is what it is here: it does not belong to these any more. What cannot be taken
/// away now is when it is read next.
pub(super) async fn leave(database: &Database, row: &VideoRow) {
    if let Err(error) = try_leave(database, row).await {
        tracing::warn!(%error, video = %row.id, "a list keeps an entry for now");
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

/// A row is gone for good.
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

/// A page of what is in any of these lists and is to be shown.
pub(super) async fn page(
    database: &Database,
    lists: &[List],
    page: &PageRequest,
    is_shown: impl Fn(&VideoRow) -> bool,
) -> Result<Page<VideoRow>, Error> {
    let limit = page.limit.clamp(1, PageRequest::MOST) as usize;
    let mut before = match page.after {
        // No id sorts after a tilde.
        None => (i64::MAX, "~".to_owned()),
        Some(cursor) => (cursor.created_at_us, cursor.id.to_string()),
    };
    let mut items = Vec::new();
    // One more than asked for tells whether there is a next page.
    while items.len() <= limit {
        let found = entries(database, lists, &before, limit + 1).await?;
        let Some(last) = found.last() else { break };
        before = last.clone();
        let rows = stream::iter(found).map(|place| look(database, place));
        let rows: Vec<_> = rows.buffered(ROWS).try_collect().await?;
        for row in rows.into_iter().flatten() {
            if is_shown(&row) {
                items.push(row);
            } else if !List::of(&row).iter().any(|list| lists.contains(list)) {
                // Whoever changed it was killed before it said so here.
                leave(database, &row).await;
            }
        }
    }
    Ok(Page::cut(items, limit))
}

/// The row that an entry leads to: none where that is gone, or was never made.
async fn look(database: &Database, (created_at_us, id): Place) -> Result<Option<VideoRow>, Error> {
    let row = super::videos::get(database, &id).await?;
    Ok(row.filter(|row| row.created_at_us == created_at_us))
}

/// The next places of some lists together, in order; all there are where they are fewer.
async fn entries(
    database: &Database,
    lists: &[List],
    before: &Place,
    limit: usize,
) -> Result<Vec<Place>, Error> {
    let of_one = |list: &List| entries_of(database, *list, before, limit);
    let found = stream::iter(lists).map(of_one).buffered(ROWS);
    let mut found: Vec<Place> = found.try_concat().await?;
    found.sort_unstable_by(|a, b| Reverse(a).cmp(&Reverse(b)));
    // What comes after these in one list may come before what another has later on.
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

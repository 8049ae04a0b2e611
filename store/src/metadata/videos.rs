//! Videos: what is known of each, and its state, which only a compare-and-set changes.

use std::collections::BTreeMap;

use async_trait::async_trait;
use plan::{Code, Note, OwnerId, RenditionId, UploadId, VideoId};
use serde::{Deserialize, Serialize};

use super::{Cursor, Page, PageRequest};
use crate::Error;

spelled!(
    /// How much of a video's source is there.
    Source {
        /// It is arriving.
        Receiving = "receiving",
        /// All of it is stored.
        Complete = "complete",
        /// It will never be complete.
        Lost = "lost",
    }
);

spelled!(
    /// Where a video is in its life.
    State {
        /// For enough of its source to be probed.
        Waiting = "waiting",
        /// An engine looks at it.
        Probing = "probing",
        /// It has a plan and init segments: players may ask for anything.
        Playable = "playable",
        /// All that its plan lists is stored.
        Ready = "ready",
        /// It cannot be made; `error` says why.
        Failed = "failed",
        /// A tombstone.
        Deleted = "deleted",
    }
);

spelled!(
    /// What comes before what in the background. The lesser comes first.
    Priority {
        /// Somebody waits for it.
        Interactive = "interactive",
        /// Part of an import.
        Bulk = "bulk",
    }
);

/// One run of a source's bytes: an upload, and how many of its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourcePart {
    /// Whose blocks.
    pub upload: UploadId,
    /// How many bytes of it.
    pub bytes: u64,
}

/// One of a video's plans.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanRef {
    /// Names the plan's object.
    pub hash: String,
    /// Since when it has been, or was, the current one; in microseconds since 1970 UTC.
    pub current_since_us: i64,
    /// Until when it was; `None` while it is.
    pub retired_at_us: Option<i64>,
    /// Whether it is about to leave the list: nothing is found by it any more.
    #[serde(default)]
    pub leaves: bool,
}

/// Why a video failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VideoError {
    /// For programs.
    pub code: Code,
    /// One sentence for the uploader.
    pub message: String,
}

/// What is known of a video. Times are in microseconds since 1970 UTC.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VideoRow {
    /// Its public id.
    pub id: VideoId,
    /// Whose it is.
    pub owner: OwnerId,
    /// What its uploader calls it.
    pub title: String,
    /// How much of the source is there.
    pub source: Source,
    /// Where it is in its life.
    pub state: State,
    /// Raised by one by every change of the row.
    pub epoch: u64,
    /// The source, in order.
    pub parts: Vec<SourcePart>,
    /// How much of the source is durable.
    pub received_bytes: u64,
    /// How long the source will be, if its uploader said.
    pub declared_size: Option<u64>,
    /// All its plans, oldest first.
    pub plans: Vec<PlanRef>,
    /// The hash of the one that manifests are written from.
    pub current_plan: Option<String>,
    /// The hash of the last plan all of whose renditions were seen to be stored. While
    /// it is not the current one, there is work left, even for a `ready` video.
    pub whole_plan: Option<String>,
    /// Measured bits per second of the renditions that are whole.
    pub average_bandwidth: BTreeMap<RenditionId, u64>,
    /// Why it failed.
    pub error: Option<VideoError>,
    /// Damage that leaves something to watch.
    pub notes: Vec<Note>,
    /// What it comes before in the background.
    pub priority: Priority,
    /// When it was asked for.
    pub created_at_us: i64,
    /// When the source's last byte was durable.
    pub uploaded_at_us: Option<i64>,
    /// When it became playable.
    pub playable_at_us: Option<i64>,
    /// When it became ready.
    pub ready_at_us: Option<i64>,
    /// When it was deleted.
    pub deleted_at_us: Option<i64>,
    /// How long the presentation is.
    pub duration_us: Option<i64>,
    /// Of the picture as it is displayed; `None` for sound alone.
    pub width_px: Option<u32>,
    /// Of the picture as it is displayed; `None` for sound alone.
    pub height_px: Option<u32>,
    /// How much media is stored for it, once it is ready.
    pub stored_bytes: Option<u64>,
}

impl VideoRow {
    /// A video that nothing has arrived of yet.
    pub fn new(id: VideoId, owner: OwnerId, title: String, created_at_us: i64) -> Self {
        Self {
            id,
            owner,
            title,
            source: Source::Receiving,
            state: State::Waiting,
            epoch: 0,
            parts: Vec::new(),
            received_bytes: 0,
            declared_size: None,
            plans: Vec::new(),
            current_plan: None,
            whole_plan: None,
            average_bandwidth: BTreeMap::new(),
            error: None,
            notes: Vec::new(),
            priority: Priority::Interactive,
            created_at_us,
            uploaded_at_us: None,
            playable_at_us: None,
            ready_at_us: None,
            deleted_at_us: None,
            duration_us: None,
            width_px: None,
            height_px: None,
            stored_bytes: None,
        }
    }

    /// Whether what its current plan lacks is to be made: before it is ready, and after, where the
    /// plan has got more since.
    pub fn is_in_the_making(&self) -> bool {
        let lacks = match self.state {
            State::Playable => true,
            State::Ready => self.whole_plan != self.current_plan,
            State::Waiting | State::Probing | State::Failed | State::Deleted => false,
        };
        lacks && self.source == Source::Complete
    }

    /// Whether the reconciler has anything to do for it.
    pub fn is_unfinished(&self) -> bool {
        match self.state {
            State::Waiting | State::Probing | State::Playable => true,
            State::Ready => self.whole_plan != self.current_plan,
            // A failed video whose source still arrives must still learn how that ends.
            State::Failed => self.source == Source::Receiving || self.waits_for_space(),
            State::Deleted => false,
        }
    }
}

impl VideoRow {
    /// Whether it failed because there was no space, and goes on when there is some.
    pub fn waits_for_space(&self) -> bool {
        let lacked = |error: &VideoError| error.code == Code::NoSpace;
        let is_failed = self.state == State::Failed && self.source == Source::Complete;
        is_failed && self.error.as_ref().is_some_and(lacked)
    }
}

impl Page<VideoRow> {
    /// The first rows of a list, of which there may be one more than fit: the sign of a next page.
    pub(crate) fn cut(mut items: Vec<VideoRow>, limit: usize) -> Self {
        let more = items.len() > limit;
        items.truncate(limit);
        let last = items.last().filter(|_| more);
        let next = last.map(|row| Cursor {
            created_at_us: row.created_at_us,
            id: row.id,
        });
        Self { items, next }
    }
}

/// Videos by id, and the lists that the service lives on.
///
/// A row changes only as a whole and only from the epoch that the writer has read: of
/// any number of racers one wins, the others get `Conflict`, read again and decide anew.
#[async_trait]
pub trait Videos: Send + Sync {
    /// Stores a new row as it is. `Conflict` if there is one of that id.
    async fn insert(&self, row: &VideoRow) -> Result<(), Error>;

    /// A row, tombstones too.
    async fn get(&self, id: &VideoId) -> Result<Option<VideoRow>, Error>;

    /// Replaces the row whose epoch is `row.epoch`, and returns it with the next epoch.
    /// `Conflict` if its epoch is another, `NotFound` if there is none.
    async fn compare_and_set(&self, row: &VideoRow) -> Result<VideoRow, Error>;

    /// Stores a row as it is, with its epoch, in place of an older one if there is one.
    /// `Conflict` if there is one of the same epoch or a later one.
    async fn put_if_newer(&self, row: &VideoRow) -> Result<(), Error>;

    /// Videos of one owner, or of all, newest first, without tombstones.
    async fn list(
        &self,
        owner: Option<&OwnerId>,
        page: &PageRequest,
    ) -> Result<Page<VideoRow>, Error>;

    /// Videos for which [`VideoRow::is_unfinished`] holds, newest first.
    async fn list_unfinished(&self, page: &PageRequest) -> Result<Page<VideoRow>, Error>;

    /// Tombstones of videos deleted before a time, newest first by creation.
    async fn list_tombstones(
        &self,
        deleted_before_us: i64,
        page: &PageRequest,
    ) -> Result<Page<VideoRow>, Error>;

    /// Forgets a row for good; no error if there is none. For tombstones that have
    /// outlived their 30 days.
    async fn remove(&self, id: &VideoId) -> Result<(), Error>;
}

/// Tries of one change under contention. Writers of one row are few (the reconciler, an
/// upload, a person), so losing this often in a row means that something is wrong.
const CHANGE_TRIES: u32 = 32;

/// Reads a row, lets `edit` decide what becomes of it, and stores that; again from the
/// reading on if somebody else was faster. `edit` returns whether there is anything to
/// store. Returns the row as it is now. `NotFound` if there is none.
pub async fn change(
    videos: &dyn Videos,
    id: &VideoId,
    mut edit: impl FnMut(&mut VideoRow) -> bool + Send,
) -> Result<VideoRow, Error> {
    for _ in 0..CHANGE_TRIES {
        let mut row = videos.get(id).await?.ok_or(Error::NotFound)?;
        if !edit(&mut row) {
            return Ok(row);
        }
        match videos.compare_and_set(&row).await {
            Err(Error::Conflict) => {}
            done => return done,
        }
    }
    Err(Error::Conflict)
}

//! Videos: their rows, and their states, which change only by compare-and-set.

use std::collections::BTreeMap;

use async_trait::async_trait;
use plan::{Code, Note, OwnerId, RenditionId, UploadId, VideoId};
use serde::{Deserialize, Serialize};

use super::{Cursor, Page, PageRequest};
use crate::Error;

spelled!(
    /// Availability of a video's source.
    Source {
        /// The source is being uploaded.
        Receiving = "receiving",
        /// The whole source is stored.
        Complete = "complete",
        /// The source will never be complete.
        Lost = "lost",
    }
);

spelled!(
    /// State of a video.
    State {
        /// Waiting until enough of the source has arrived to probe it.
        Waiting = "waiting",
        /// An engine session is probing the source.
        Probing = "probing",
        /// The plan and the init segments exist, and players may request any segment.
        Playable = "playable",
        /// All that the plan lists is stored.
        Ready = "ready",
        /// The video cannot be made; `error` has the reason.
        Failed = "failed",
        /// The video is deleted; its row is a tombstone.
        Deleted = "deleted",
    }
);

spelled!(
    /// Priority of background work. Smaller values come first.
    Priority {
        /// A person waits for the video.
        Interactive = "interactive",
        /// The video is part of an import.
        Bulk = "bulk",
    }
);

/// Part of a source: an upload, and the number of its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourcePart {
    /// Upload that holds the bytes.
    pub upload: UploadId,
    /// Number of bytes in the upload.
    pub bytes: u64,
}

/// Reference to one of a video's plans.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanRef {
    /// Hash of the plan, which names its object.
    pub hash: String,
    /// Time at which the plan became the current one, in microseconds since 1970 UTC.
    pub current_since_us: i64,
    /// Time at which the plan was replaced, in microseconds since 1970 UTC; `None` for the current plan.
    pub retired_at_us: Option<i64>,
    /// Whether the plan is about to be removed. Renditions are no longer looked up in it.
    #[serde(default)]
    pub leaves: bool,
}

/// Reason why a video failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VideoError {
    /// Stable code, for programs.
    pub code: Code,
    /// One sentence for the uploader.
    pub message: String,
}

/// Row of a video. Times are in microseconds since 1970 UTC.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VideoRow {
    /// Public id of the video.
    pub id: VideoId,
    /// Owner of the video.
    pub owner: OwnerId,
    /// Title that the uploader gave.
    pub title: String,
    /// Availability of the source.
    pub source: Source,
    /// State of the video.
    pub state: State,
    /// Version of the row, raised by one with every change.
    pub epoch: u64,
    /// Parts of the source, in order.
    pub parts: Vec<SourcePart>,
    /// Number of durable bytes of the source.
    pub received_bytes: u64,
    /// Size of the whole source in bytes, if the uploader declared it.
    pub declared_size: Option<u64>,
    /// All plans of the video, oldest first.
    pub plans: Vec<PlanRef>,
    /// Hash of the current plan, from which manifests are written.
    pub current_plan: Option<String>,
    /// Hash of the last plan whose renditions were all found to be stored. If it differs from the current plan, there
    /// is work left, even for a `ready` video.
    pub whole_plan: Option<String>,
    /// Measured average bit rate, in bits per second, of each complete rendition.
    pub average_bandwidth: BTreeMap<RenditionId, u64>,
    /// Reason of the failure, if the video failed.
    pub error: Option<VideoError>,
    /// Remarks about damage and guesses in a source that can be watched.
    pub notes: Vec<Note>,
    /// Priority of the video's background work.
    pub priority: Priority,
    /// Time of creation.
    pub created_at_us: i64,
    /// Time at which the last byte of the source became durable.
    pub uploaded_at_us: Option<i64>,
    /// Time at which the video became playable.
    pub playable_at_us: Option<i64>,
    /// Time at which the video became ready.
    pub ready_at_us: Option<i64>,
    /// Time at which the video was deleted.
    pub deleted_at_us: Option<i64>,
    /// Length of the presentation in microseconds.
    pub duration_us: Option<i64>,
    /// Width of the displayed video in pixels; `None` for audio-only presentations.
    pub width_px: Option<u32>,
    /// Height of the displayed video in pixels; `None` for audio-only presentations.
    pub height_px: Option<u32>,
    /// Number of bytes of stored media, once the video is ready.
    pub stored_bytes: Option<u64>,
}

impl VideoRow {
    /// Creates the row of a video of which nothing has arrived yet.
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

    /// Whether missing parts of the current plan are to be made: before the video is ready, and afterwards if the
    /// plan has grown.
    pub fn is_in_the_making(&self) -> bool {
        let lacks = match self.state {
            State::Playable => true,
            State::Ready => self.whole_plan != self.current_plan,
            State::Waiting | State::Probing | State::Failed | State::Deleted => false,
        };
        lacks && self.source == Source::Complete
    }

    /// Whether the reconciler has work to do for the video.
    pub fn is_unfinished(&self) -> bool {
        match self.state {
            State::Waiting | State::Probing | State::Playable => true,
            State::Ready => self.whole_plan != self.current_plan,
            // A failed video whose source still arrives must still be told when the source ends.
            State::Failed => self.source == Source::Receiving || self.waits_for_space(),
            State::Deleted => false,
        }
    }
}

impl VideoRow {
    /// Whether the video failed for lack of disk space, and continues when there is some.
    pub fn waits_for_space(&self) -> bool {
        let lacked = |error: &VideoError| error.code == Code::NoSpace;
        let is_failed = self.state == State::Failed && self.source == Source::Complete;
        is_failed && self.error.as_ref().is_some_and(lacked)
    }
}

impl Page<VideoRow> {
    /// Creates a page from rows of which there may be one more than fit. That row shows that there is a next page.
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

/// Repository of videos by id, with the lists that the service needs.
///
/// A row changes only as a whole, and only from the epoch that the writer has read. Exactly one of several concurrent
/// writers succeeds; the others get `Conflict`, read again and decide anew.
#[async_trait]
pub trait Videos: Send + Sync {
    /// Stores a new row. `Conflict` if a row with the same id exists.
    async fn insert(&self, row: &VideoRow) -> Result<(), Error>;

    /// Reads a row, which may be a tombstone.
    async fn get(&self, id: &VideoId) -> Result<Option<VideoRow>, Error>;

    /// Replaces the row whose epoch is `row.epoch`, and returns it with the next epoch. `Conflict` if the stored
    /// epoch differs, `NotFound` if there is no row.
    async fn compare_and_set(&self, row: &VideoRow) -> Result<VideoRow, Error>;

    /// Stores a row with its epoch as it is, in place of an older one if there is one. `Conflict` if a row with the
    /// same or a later epoch exists.
    async fn put_if_newer(&self, row: &VideoRow) -> Result<(), Error>;

    /// Lists videos of one owner, or of all owners, newest first, without tombstones.
    async fn list(
        &self,
        owner: Option<&OwnerId>,
        page: &PageRequest,
    ) -> Result<Page<VideoRow>, Error>;

    /// Lists videos for which [`VideoRow::is_unfinished`] holds, newest first.
    async fn list_unfinished(&self, page: &PageRequest) -> Result<Page<VideoRow>, Error>;

    /// Lists tombstones of videos that were deleted before a time. The newest by time of creation come first.
    async fn list_tombstones(
        &self,
        deleted_before_us: i64,
        page: &PageRequest,
    ) -> Result<Page<VideoRow>, Error>;

    /// Removes a row for good, for tombstones older than 30 days. It is not an error if there is none.
    async fn remove(&self, id: &VideoId) -> Result<(), Error>;
}

/// Largest number of attempts at a change under contention. A row has few writers (the reconciler, an upload, a
/// person), so more failures in a row mean that something is wrong.
const CHANGE_TRIES: u32 = 32;

/// Reads a row, lets `edit` change it and stores it. If another writer was faster, all of this is repeated. `edit`
/// returns whether there is anything to store. Returns the row as it is now. `NotFound` if there is none.
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

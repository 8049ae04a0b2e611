//! Uploads, and how many bytes of each are durable.

use async_trait::async_trait;
use plan::{OwnerId, UploadId, VideoId};

use crate::Error;

/// Row of an upload. Times are in microseconds since 1970 UTC.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UploadRow {
    /// Id of the upload, which names its source blocks.
    pub id: UploadId,
    /// Video whose source the upload is a part of.
    pub video: VideoId,
    /// Owner who uploads.
    pub owner: OwnerId,
    /// Number of durable bytes, from which a client resumes. It never decreases.
    pub offset: u64,
    /// Size of the whole upload in bytes, if the sender declared it.
    pub declared_size: Option<u64>,
    /// Whether the last byte is durable.
    pub complete: bool,
    /// Whether the upload was given up because it made no progress for too long. No more bytes are accepted.
    pub given_up: bool,
    /// Time of creation.
    pub created_at_us: i64,
    /// Time of the last progress.
    pub updated_at_us: i64,
}

/// Repository of uploads by id. Offsets only grow, so writers need no compare-and-set.
#[async_trait]
pub trait Uploads: Send + Sync {
    /// Stores a new row. `Conflict` if a row with the same id exists.
    async fn insert(&self, row: &UploadRow) -> Result<(), Error>;

    /// Reads a row.
    async fn get(&self, id: &UploadId) -> Result<Option<UploadRow>, Error>;

    /// Raises the offset to `offset` unless it is that high already, and returns the row as it is now. `NotFound` if
    /// there is no row, or if the upload was given up.
    async fn advance(&self, id: &UploadId, offset: u64, at_us: i64) -> Result<UploadRow, Error>;

    /// Records progress that does not change the offset. `NotFound` if there is no row, or if the upload was given
    /// up.
    async fn touch(&self, id: &UploadId, at_us: i64) -> Result<(), Error>;

    /// Gives up an incomplete upload that has made no progress since it was read as `row`. Returns whether the upload
    /// is given up now, by this call or an earlier one.
    async fn give_up(&self, row: &UploadRow) -> Result<bool, Error>;

    /// Marks the upload as complete at its offset, even if it was given up. Repetition is not an error. `NotFound` if
    /// there is no row.
    async fn complete(&self, id: &UploadId, at_us: i64) -> Result<UploadRow, Error>;

    /// Reads all uploads of a video.
    async fn list_by_video(&self, video: &VideoId) -> Result<Vec<UploadRow>, Error>;

    /// Reads incomplete uploads without progress since a time, whether given up or not. The oldest progress comes
    /// first.
    async fn list_stale(&self, before_us: i64, limit: u32) -> Result<Vec<UploadRow>, Error>;

    /// Removes a row. It is not an error if there is none.
    async fn remove(&self, id: &UploadId) -> Result<(), Error>;
}

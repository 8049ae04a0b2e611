//! Uploads: how much of each is durable.

use async_trait::async_trait;
use plan::{OwnerId, UploadId, VideoId};

use crate::Error;

/// One upload. Times are in microseconds since 1970 UTC.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UploadRow {
    /// Names its source blocks.
    pub id: UploadId,
    /// What it is a part of.
    pub video: VideoId,
    /// Who sends it.
    pub owner: OwnerId,
    /// How many bytes are durable: what a client resumes from. Never goes back.
    pub offset: u64,
    /// How many bytes there will be, if the sender said.
    pub declared_size: Option<u64>,
    /// Whether the last byte is durable.
    pub complete: bool,
    /// Whether it stood still for too long: nothing more is taken of it.
    pub given_up: bool,
    /// When it was begun.
    pub created_at_us: i64,
    /// When it last moved.
    pub updated_at_us: i64,
}

/// Uploads by id. Offsets only grow, so their writers need no compare-and-set.
#[async_trait]
pub trait Uploads: Send + Sync {
    /// Stores a new row. `Conflict` if there is one of that id.
    async fn insert(&self, row: &UploadRow) -> Result<(), Error>;

    /// A row.
    async fn get(&self, id: &UploadId) -> Result<Option<UploadRow>, Error>;

    /// Raises the offset to `offset`, unless it is there or beyond; returns the row as
    /// it is now. `NotFound` if there is none, or if it was given up.
    async fn advance(&self, id: &UploadId, offset: u64, at_us: i64) -> Result<UploadRow, Error>;

    /// It moves, though no offset says so. `NotFound` if there is none, or if it was given up.
    async fn touch(&self, id: &UploadId, at_us: i64) -> Result<(), Error>;

    /// Gives up an upload that is incomplete and has not moved since it was read as `row`; says whether it is given up,
    /// by whomever.
    async fn give_up(&self, row: &UploadRow) -> Result<bool, Error>;

    /// Marks it complete at its offset, given up or not; again is no error. `NotFound` if there is none.
    async fn complete(&self, id: &UploadId, at_us: i64) -> Result<UploadRow, Error>;

    /// All uploads of a video.
    async fn list_by_video(&self, video: &VideoId) -> Result<Vec<UploadRow>, Error>;

    /// Incomplete uploads that have not moved since a time, given up or not, longest still first.
    async fn list_stale(&self, before_us: i64, limit: u32) -> Result<Vec<UploadRow>, Error>;

    /// Forgets a row; no error if there is none.
    async fn remove(&self, id: &UploadId) -> Result<(), Error>;
}

//! Uploads: sources on their way in.

use plan::{OwnerId, UploadId};
use store::metadata::{Priority, UploadRow, VideoRow};

use crate::parts::Parts;
use crate::uploads;
use crate::uploads::{UploadError, UploadPart, UploadWriter};

/// Uploads: sources on their way in.
#[derive(Clone, Copy)]
pub struct Uploads<'a> {
    pub(crate) parts: &'a Parts,
}

impl Uploads<'_> {
    /// Checks whether a source would be accepted now; `declared_size` is its size in bytes, if its sender said so.
    ///
    /// # Errors
    /// `NoSpace` if the store has no room for the source, `TooLarge` if the source exceeds the size limit.
    pub async fn admits(self, declared_size: Option<u64>) -> Result<(), UploadError> {
        uploads::admit(&self.parts.uploads, declared_size).await
    }

    /// Begins a video whose source comes through this process: the caller hands its bytes to the returned writer.
    pub async fn create(
        self,
        owner: OwnerId,
        title: String,
        declared_size: Option<u64>,
        priority: Priority,
    ) -> Result<(VideoRow, UploadWriter), UploadError> {
        uploads::begin(&self.parts.uploads, owner, title, declared_size, priority).await
    }

    /// Where senders put blocks themselves, as `scheme://host:port`; nothing where they cannot.
    pub async fn direct_endpoint(self) -> Result<Option<String>, store::Error> {
        uploads::endpoint(&self.parts.uploads).await
    }

    /// Begins a video whose sender puts its `size` bytes into the object store.
    pub async fn create_direct(
        self,
        owner: OwnerId,
        title: String,
        size: u64,
        priority: Priority,
    ) -> Result<(VideoRow, UploadRow), UploadError> {
        uploads::begin_direct(&self.parts.uploads, owner, title, size, priority).await
    }

    /// The row of an upload; nothing where the janitor has given the upload up, though its row may not be removed yet.
    pub async fn get(self, id: UploadId) -> Result<Option<UploadRow>, store::Error> {
        let row = self
            .parts
            .records
            .stores
            .metadata
            .uploads()
            .get(&id)
            .await?;
        Ok(row.filter(|row| !row.given_up))
    }

    /// The parts of an upload from block `first` on, at most `count` of them, with the requests that put them.
    pub async fn parts(
        self,
        row: &UploadRow,
        first: u32,
        count: u32,
    ) -> Result<Vec<UploadPart>, UploadError> {
        uploads::parts(&self.parts.uploads, row, first, count).await
    }

    /// Looks how much of an upload is stored without a gap.
    pub async fn sync(self, row: &UploadRow) -> Result<UploadRow, UploadError> {
        uploads::sync(&self.parts.uploads, row).await
    }

    /// All of it was put: the video's life goes on.
    pub async fn complete(self, row: &UploadRow) -> Result<VideoRow, UploadError> {
        uploads::complete(&self.parts.uploads, row).await
    }

    /// Begins a video whose source is [`Config::source_file`], read where it lies.
    pub async fn begin_in_place(
        self,
        owner: OwnerId,
        title: String,
    ) -> Result<VideoRow, UploadError> {
        uploads::begin_in_place(&self.parts.uploads, owner, title).await
    }
}

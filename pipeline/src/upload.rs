//! A source arrives: cut into blocks, each durable the moment it is full.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use plan::{Code, OwnerId, UploadId, VideoId};
use store::metadata::{Priority, Source, SourcePart, State, UploadRow, VideoError, VideoRow};
use store::{Event, ObjectKey};

use transcoder::FileSource;

use crate::blocks::BLOCK;
use crate::inner::Inner;
use crate::life;

/// Why an upload was refused or cut off.
#[derive(Debug, thiserror::Error)]
pub enum UploadError {
    /// Longer than is taken, or than was said.
    #[error("the source is larger than {limit} bytes")]
    TooLarge {
        /// What is taken.
        limit: u64,
    },
    /// No space where media is stored.
    #[error("no space left where media is stored")]
    NoSpace,
    /// The store did not answer.
    #[error("the store did not answer: {0}")]
    Store(#[source] store::Error),
}

impl From<store::Error> for UploadError {
    fn from(error: store::Error) -> Self {
        match error {
            store::Error::NoSpace => Self::NoSpace,
            other => Self::Store(other),
        }
    }
}

/// Takes a source's bytes in order. Dropped before [`UploadWriter::finish`], the upload is
/// lost and nothing of it stays.
pub struct UploadWriter {
    inner: Arc<Inner>,
    video: VideoId,
    upload: UploadId,
    buffer: BytesMut,
    stored: u64,
    blocks: u32,
    limit: u64,
    finished: bool,
    /// Why it is lost, if it is dropped now.
    lost: Code,
}

pub(crate) async fn begin(
    inner: &Arc<Inner>,
    owner: OwnerId,
    title: String,
    declared_size: Option<u64>,
    priority: Priority,
) -> Result<(VideoRow, UploadWriter), UploadError> {
    let limit = inner.config.policy.limits.size_bytes;
    if declared_size.is_some_and(|size| size > limit) {
        return Err(UploadError::TooLarge { limit });
    }
    let free = inner.stores.objects.free_bytes().await?;
    if let (Some(size), Some(free)) = (declared_size, free)
        && size > free
    {
        return Err(UploadError::NoSpace);
    }
    let now = inner.stores.clock.now_us();
    let (video, upload) = (inner.stores.ids.video(), inner.stores.ids.upload());
    let row = UploadRow {
        id: upload,
        video,
        owner,
        offset: 0,
        declared_size,
        complete: false,
        created_at_us: now,
        updated_at_us: now,
    };
    inner.stores.metadata.uploads().insert(&row).await?;
    let mut row = VideoRow::new(video, owner, title, now);
    row.declared_size = declared_size;
    row.priority = priority;
    inner.stores.metadata.videos().insert(&row).await?;
    let writer = UploadWriter {
        inner: inner.clone(),
        video,
        upload,
        buffer: BytesMut::new(),
        stored: 0,
        blocks: 0,
        limit,
        finished: false,
        lost: Code::UploadLost,
    };
    Ok((row, writer))
}

/// Begins a video whose source is a file that stays where it is.
pub(crate) async fn begin_in_place(
    inner: &Arc<Inner>,
    owner: OwnerId,
    title: String,
) -> Result<VideoRow, UploadError> {
    let unreadable = |error: std::io::Error| UploadError::Store(store::Error::unavailable(error));
    let path = inner.config.source_file.as_deref();
    let path = path.ok_or_else(|| unreadable(std::io::ErrorKind::NotFound.into()))?;
    let (_, size) = FileSource::open(path).map_err(unreadable)?;
    let limit = inner.config.policy.limits.size_bytes;
    if size > limit {
        return Err(UploadError::TooLarge { limit });
    }
    let now = inner.stores.clock.now_us();
    let mut row = VideoRow::new(inner.stores.ids.video(), owner, title, now);
    row.source = Source::Complete;
    row.received_bytes = size;
    row.uploaded_at_us = Some(now);
    inner.stores.metadata.videos().insert(&row).await?;
    life::begin(inner, row.id);
    Ok(row)
}

impl UploadWriter {
    /// Whose source it is.
    pub const fn video(&self) -> VideoId {
        self.video
    }

    /// Bytes that are stored for good; the rest of what was written waits for its block to
    /// be full.
    pub const fn durable_bytes(&self) -> u64 {
        self.stored
    }

    /// Takes the next bytes.
    ///
    /// # Errors
    /// After one the upload is lost: drop the writer.
    pub async fn write(&mut self, mut bytes: Bytes) -> Result<(), UploadError> {
        while !bytes.is_empty() {
            let room = BLOCK as usize - self.buffer.len();
            let piece = bytes.split_to(room.min(bytes.len()));
            self.buffer.extend_from_slice(&piece);
            if self.buffer.len() as u64 == BLOCK {
                self.store_block().await?;
            }
        }
        Ok(())
    }

    async fn store_block(&mut self) -> Result<(), UploadError> {
        let stored = self.try_store_block().await;
        self.lost = match &stored {
            Err(UploadError::TooLarge { .. }) => Code::LimitSize,
            Err(UploadError::NoSpace) => Code::NoSpace,
            _ => Code::UploadLost,
        };
        stored
    }

    async fn try_store_block(&mut self) -> Result<(), UploadError> {
        // A deleted video gets nothing any more.
        if self.inner.living(self.video).await?.is_none() {
            return Err(store::Error::NotFound.into());
        }
        let block = self.buffer.split().freeze();
        let length = block.len() as u64;
        if self.stored + length > self.limit {
            return Err(UploadError::TooLarge { limit: self.limit });
        }
        let key = ObjectKey::SourceBlock {
            upload: self.upload,
            index: self.blocks,
        };
        let stores = &self.inner.stores;
        stores.objects.put(&key, block).await?;
        self.stored += length;
        self.blocks += 1;
        let now = stores.clock.now_us();
        stores
            .metadata
            .uploads()
            .advance(&self.upload, self.stored, now)
            .await?;
        let event = Event::UploadProgress {
            video: self.video,
            received_bytes: self.stored,
        };
        stores.events.publish(event).await?;
        Ok(())
    }

    /// The last byte has arrived: the source is complete, and the video's life goes on.
    pub async fn finish(mut self) -> Result<VideoRow, UploadError> {
        if !self.buffer.is_empty() {
            self.store_block().await?;
        }
        let stores = &self.inner.stores;
        let now = stores.clock.now_us();
        stores
            .metadata
            .uploads()
            .complete(&self.upload, now)
            .await?;
        let (upload, bytes) = (self.upload, self.stored);
        let complete = |row: &mut VideoRow| {
            if row.state == State::Deleted || row.source != Source::Receiving {
                return false;
            }
            row.source = Source::Complete;
            row.parts = vec![SourcePart { upload, bytes }];
            row.received_bytes = bytes;
            row.uploaded_at_us = Some(now);
            true
        };
        let row = self.inner.change(self.video, complete).await?;
        if row.source != Source::Complete || row.state == State::Deleted {
            return Err(store::Error::NotFound.into());
        }
        self.finished = true;
        life::begin(&self.inner, row.id);
        Ok(row)
    }
}

impl Drop for UploadWriter {
    fn drop(&mut self) {
        if !self.finished {
            let (inner, video, upload) = (self.inner.clone(), self.video, self.upload);
            let code = self.lost;
            // Where nothing runs any more, the next start clears it away.
            let Ok(runtime) = tokio::runtime::Handle::try_current() else {
                return;
            };
            runtime.spawn(async move {
                if let Err(error) = lose(&inner, video, upload, code).await {
                    tracing::warn!(%error, %video, "a cut-off upload could not be cleared away");
                }
            });
        }
    }
}

/// An upload that was cut off for good: its video fails, its blocks go.
pub(crate) async fn lose(
    inner: &Arc<Inner>,
    video: VideoId,
    upload: UploadId,
    code: Code,
) -> Result<(), store::Error> {
    let message = match code {
        Code::LimitSize => "The source is larger than is taken.",
        Code::NoSpace => "No space was left while the source arrived.",
        _ => "The upload was cut off before its last byte.",
    };
    let lost = |row: &mut VideoRow| {
        let receiving = row.source == Source::Receiving;
        if receiving {
            row.source = Source::Lost;
        }
        let open = matches!(row.state, State::Waiting | State::Probing | State::Playable);
        if receiving && open {
            row.state = State::Failed;
            row.error = Some(VideoError {
                code,
                message: message.to_owned(),
            });
        }
        receiving
    };
    match inner.change(video, lost).await {
        // Its video was never inserted, or is forgotten.
        Ok(_) | Err(store::Error::NotFound) => {}
        Err(error) => return Err(error),
    }
    let prefix = store::Prefix::Upload(upload);
    store::objects::delete_prefix(&*inner.stores.objects, &prefix).await?;
    inner.stores.metadata.uploads().remove(&upload).await
}

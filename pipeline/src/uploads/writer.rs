//! The writer of a source that comes through this process, in order: the next bytes are taken while blocks are being
//! stored.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use plan::{Code, OwnerId, UploadId, VideoId};
use store::metadata::{Priority, UploadRow, VideoRow};
use store::{Error, ObjectKey};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::promised::Promise;
use super::receipt::{UploadError, Uploads, advance, finish, insert, lose};
use crate::uploads::blocks::BLOCK;

/// Blocks of one upload that are being stored at once: a store far away takes its time for each.
const AT_ONCE: usize = 4;

/// Takes a source's bytes in order. If the writer is dropped before [`UploadWriter::finish`], the upload is lost and
/// nothing of it stays.
pub struct UploadWriter {
    uploads: Arc<Uploads>,
    video: VideoId,
    upload: UploadId,
    /// The block that is being filled.
    buffer: BytesMut,
    /// Tasks that store blocks, in the order of the blocks.
    blocks: VecDeque<JoinHandle<Result<(), Error>>>,
    /// Resolves when the last block, and with it all blocks before it, are stored.
    last: Option<oneshot::Receiver<()>>,
    /// Bytes of the blocks that are stored or being stored.
    bytes: u64,
    /// Bytes that the upload has still to bring.
    promise: Promise,
    /// Size in bytes that a source may have at most.
    limit: u64,
    finished: bool,
    /// Reason why the upload is lost if the writer is dropped now.
    lost: Code,
}

impl UploadWriter {
    pub(super) fn new(uploads: Arc<Uploads>, upload: &UploadRow) -> Self {
        Self {
            limit: uploads.config.policy.limits.size_bytes,
            promise: uploads.promised.make(upload.declared_size.unwrap_or(0)),
            uploads,
            video: upload.video,
            upload: upload.id,
            buffer: BytesMut::new(),
            blocks: VecDeque::new(),
            last: None,
            bytes: 0,
            finished: false,
            lost: Code::UploadLost,
        }
    }

    /// The video whose source is written.
    pub const fn video(&self) -> VideoId {
        self.video
    }

    /// Takes the next bytes of the source.
    ///
    /// # Errors
    /// After an error the upload is lost: drop the writer.
    pub async fn write(&mut self, mut bytes: Bytes) -> Result<(), UploadError> {
        while !bytes.is_empty() {
            let room = BLOCK as usize - self.buffer.len();
            let piece = bytes.split_to(room.min(bytes.len()));
            self.buffer.extend_from_slice(&piece);
            if self.buffer.len() as u64 == BLOCK {
                self.send_block().await?;
            }
        }
        Ok(())
    }

    /// Stores the rest and completes the source: the video can be started.
    ///
    /// # Errors
    /// After an error the upload is lost.
    pub async fn finish(mut self) -> Result<VideoRow, UploadError> {
        if !self.buffer.is_empty() {
            self.send_block().await?;
        }
        while let Some(block) = self.blocks.pop_front() {
            self.stored(block).await?;
        }
        let row = finish(&self.uploads, self.video, self.upload, self.bytes).await?;
        self.finished = true;
        Ok(row)
    }

    /// Starts to store the block that was filled; waits while too many are being stored.
    async fn send_block(&mut self) -> Result<(), UploadError> {
        let length = self.buffer.len() as u64;
        if self.bytes + length > self.limit {
            self.lost = Code::LimitSize;
            return Err(UploadError::TooLarge { limit: self.limit });
        }
        let is_done = |block: &JoinHandle<_>| block.is_finished();
        while self.blocks.len() >= AT_ONCE || self.blocks.front().is_some_and(is_done) {
            let Some(block) = self.blocks.pop_front() else {
                break;
            };
            self.stored(block).await?;
        }
        let uploads = self.uploads.clone();
        // The semaphore is never closed. A block that is being stored keeps its permit without this writer, so no
        // writer waits for another one here.
        let place = uploads.blocks.clone().acquire_owned().await;
        let key = ObjectKey::SourceBlock {
            upload: self.upload,
            // The size limit keeps the number of blocks far below `u32::MAX`.
            index: (self.bytes / BLOCK) as u32,
        };
        let (video, upload) = (self.video, self.upload);
        let block = self.buffer.split().freeze();
        self.bytes += length;
        self.promise.keep(length);
        let (bytes, before) = (self.bytes, self.last.take());
        let (done, last) = oneshot::channel();
        self.last = Some(last);
        self.blocks.push_back(tokio::spawn(async move {
            // A deleted video gets no more objects.
            if uploads.records.living(video).await?.is_none() {
                return Err(Error::NotFound);
            }
            uploads.records.stores.objects.put(&key, block).await?;
            drop(place);
            // Offsets are raised in the order of the blocks. If the block before failed, its own task reports that.
            if let Some(before) = before
                && before.await.is_err()
            {
                return Ok(());
            }
            advance(&uploads, video, &upload, bytes).await?;
            let _ = done.send(());
            Ok(())
        }));
        Ok(())
    }

    /// Waits until a block is stored.
    async fn stored(&mut self, block: JoinHandle<Result<(), Error>>) -> Result<(), UploadError> {
        // The task ends by itself or by a panic, and in no other way.
        let stored = block.await.map_err(Error::unavailable).flatten();
        stored.map_err(|error| {
            if matches!(error, Error::NoSpace) {
                self.lost = Code::NoSpace;
            }
            error.into()
        })
    }
}

/// Begins a video whose source comes through this process.
pub(crate) async fn begin(
    uploads: &Arc<Uploads>,
    owner: OwnerId,
    title: String,
    declared_size: Option<u64>,
    priority: Priority,
) -> Result<(VideoRow, UploadWriter), UploadError> {
    let (video, upload) = insert(uploads, owner, title, declared_size, priority).await?;
    let writer = UploadWriter::new(uploads.clone(), &upload);
    Ok((video, writer))
}

impl Drop for UploadWriter {
    fn drop(&mut self) {
        if self.finished {
            return;
        }
        let (uploads, video, upload) = (self.uploads.clone(), self.video, self.upload);
        let (code, blocks) = (self.lost, std::mem::take(&mut self.blocks));
        // Without a runtime the process is ending, and the next start cleans the upload up.
        let Ok(runtime) = tokio::runtime::Handle::try_current() else {
            return;
        };
        runtime.spawn(async move {
            // Blocks that are still being stored would come after the clean-up, so they are awaited first.
            futures::future::join_all(blocks).await;
            if let Err(error) = lose(&uploads, video, upload, code).await {
                tracing::warn!(%error, %video, "the blocks of a lost upload could not be deleted");
            }
        });
    }
}

//! A source that comes through us, in order: the next bytes are taken while blocks are stored.

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

/// Blocks of one upload that are on their way at once: a store far away takes its time for each.
const AT_ONCE: usize = 4;

/// Takes a source's bytes in order. Dropped before [`UploadWriter::finish`], the upload is
/// lost and nothing of it stays.
pub struct UploadWriter {
    uploads: Arc<Uploads>,
    video: VideoId,
    upload: UploadId,
    /// The block that is being filled.
    buffer: BytesMut,
    /// On their way, in order.
    blocks: VecDeque<JoinHandle<Result<(), Error>>>,
    /// Tells that the last one of them is durable, as is all before it.
    last: Option<oneshot::Receiver<()>>,
    /// Bytes that are durable or on their way.
    bytes: u64,
    promise: Promise,
    limit: u64,
    finished: bool,
    /// Why it is lost, if it is dropped now.
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

    /// Whose source it is.
    pub const fn video(&self) -> VideoId {
        self.video
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
                self.send_block().await?;
            }
        }
        Ok(())
    }

    /// The last byte has arrived: the source is complete, and the video's life goes on.
    ///
    /// # Errors
    /// After one the upload is lost.
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
        // Never closed. A block that is on its way keeps its place without us: no one waits
        // for another here.
        let place = uploads.blocks.clone().acquire_owned().await;
        let key = ObjectKey::SourceBlock {
            upload: self.upload,
            // The limit is far below.
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
            // A deleted video gets nothing any more.
            if uploads.records.living(video).await?.is_none() {
                return Err(Error::NotFound);
            }
            uploads.records.stores.objects.put(&key, block).await?;
            drop(place);
            // What is durable is said in order; where the one before failed, it says so itself.
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

    async fn stored(&mut self, block: JoinHandle<Result<(), Error>>) -> Result<(), UploadError> {
        // It ends in no other way than by itself or by a panic.
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
        // Where nothing runs any more, the next start clears it away.
        let Ok(runtime) = tokio::runtime::Handle::try_current() else {
            return;
        };
        runtime.spawn(async move {
            // What is on its way would come after what clears it away.
            futures::future::join_all(blocks).await;
            if let Err(error) = lose(&uploads, video, upload, code).await {
                tracing::warn!(%error, %video, "a cut-off upload could not be cleared away");
            }
        });
    }
}

//! Receipt of uploads: what all uploads have in common, that is their rows, and what becomes of a video when its source
//! is complete or lost.

use std::sync::Arc;

use plan::{Code, OwnerId, UploadId, VideoId};
use store::Event;
use store::metadata::{Priority, Source, SourcePart, State, UploadRow, VideoError, VideoRow};
use tokio::sync::{Semaphore, mpsc};
use transcoder::FileSource;

use super::promised::Promised;
use crate::config::Config;
use crate::records::Records;

/// Reason why an upload was refused or cut off.
#[derive(Debug, thiserror::Error)]
pub enum UploadError {
    /// The source is longer than the limit, or than the sender declared.
    #[error("the source is larger than {limit} bytes")]
    TooLarge {
        /// Bytes that a source may have at most.
        limit: u64,
    },
    /// No space is left where media is stored.
    #[error("no space left where media is stored")]
    NoSpace,
    /// Some bytes of the source have not arrived.
    #[error("only {there} bytes of the source have arrived")]
    Incomplete {
        /// Bytes that have arrived without a gap, from the first byte on.
        there: u64,
    },
    /// The object store takes no blocks from senders; they have to come through an origin.
    #[error("the object store is not open to senders")]
    NotDirect,
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

/// The uploads of a process.
pub(crate) struct Uploads {
    pub(super) records: Arc<Records>,
    pub(super) config: Arc<Config>,
    /// Bytes that the uploads under way have still to bring, as far as their senders declared a size.
    pub(super) promised: Promised,
    /// Limits the source blocks that are being stored at once, over all uploads.
    pub(super) blocks: Arc<Semaphore>,
    /// Tells the starter of videos which sources are complete.
    completed: mpsc::Sender<VideoId>,
}

/// Source blocks that are being stored at once: 128 MiB of memory.
const BLOCKS: usize = 16;
/// Completed uploads that may wait to be started. Further ones are found by the next look for unfinished videos.
const COMPLETED: usize = 1024;

impl Uploads {
    /// Creates the uploads of a process, and the queue of videos whose uploads complete.
    pub(crate) fn new(
        records: &Arc<Records>,
        config: &Arc<Config>,
    ) -> (Self, mpsc::Receiver<VideoId>) {
        let (completed, completions) = mpsc::channel(COMPLETED);
        let uploads = Self {
            records: records.clone(),
            config: config.clone(),
            promised: Promised::default(),
            blocks: Arc::new(Semaphore::new(BLOCKS)),
            completed,
        };
        (uploads, completions)
    }

    /// Tells the starter of videos that a source is complete.
    pub(super) fn tell_of_completion(&self, video: VideoId) {
        if self.completed.try_send(video).is_err() {
            tracing::debug!(%video, "too many uploads completed at once; this video is started later");
        }
    }
}

/// Checks whether a source of this many bytes, as far as that is known, would be taken now.
pub(crate) async fn admit(
    uploads: &Uploads,
    declared_size: Option<u64>,
) -> Result<(), UploadError> {
    let limit = uploads.config.policy.limits.size_bytes;
    if declared_size.is_some_and(|size| size > limit) {
        return Err(UploadError::TooLarge { limit });
    }
    let free = uploads.records.stores.objects.free_bytes().await?;
    // The uploads under way also have still to bring bytes.
    let promised = uploads.promised.bytes();
    if free.is_some_and(|free| declared_size.unwrap_or(1).saturating_add(promised) > free) {
        return Err(UploadError::NoSpace);
    }
    Ok(())
}

/// Inserts the rows of a video whose source is to come.
pub(super) async fn insert(
    uploads: &Uploads,
    owner: OwnerId,
    title: String,
    declared_size: Option<u64>,
    priority: Priority,
) -> Result<(VideoRow, UploadRow), UploadError> {
    admit(uploads, declared_size).await?;
    let now = uploads.records.stores.clock.now_us();
    let (video, upload) = (
        uploads.records.stores.ids.video(),
        uploads.records.stores.ids.upload(),
    );
    let upload = UploadRow {
        id: upload,
        video,
        owner,
        offset: 0,
        declared_size,
        complete: false,
        given_up: false,
        created_at_us: now,
        updated_at_us: now,
    };
    uploads
        .records
        .stores
        .metadata
        .uploads()
        .insert(&upload)
        .await?;
    let mut row = VideoRow::new(video, owner, title, now);
    row.declared_size = declared_size;
    row.priority = priority;
    uploads
        .records
        .stores
        .metadata
        .videos()
        .insert(&row)
        .await?;
    Ok((row, upload))
}

/// Begins a video whose source is a file that stays where it is.
pub(crate) async fn begin_in_place(
    uploads: &Arc<Uploads>,
    owner: OwnerId,
    title: String,
) -> Result<VideoRow, UploadError> {
    let unreadable = |error: std::io::Error| UploadError::Store(store::Error::unavailable(error));
    let path = uploads.config.source_file.as_deref();
    let path = path.ok_or_else(|| unreadable(std::io::ErrorKind::NotFound.into()))?;
    let (_, size) = FileSource::open(path).map_err(unreadable)?;
    let limit = uploads.config.policy.limits.size_bytes;
    if size > limit {
        return Err(UploadError::TooLarge { limit });
    }
    let now = uploads.records.stores.clock.now_us();
    let mut row = VideoRow::new(uploads.records.stores.ids.video(), owner, title, now);
    row.source = Source::Complete;
    row.received_bytes = size;
    row.uploaded_at_us = Some(now);
    uploads
        .records
        .stores
        .metadata
        .videos()
        .insert(&row)
        .await?;
    uploads.tell_of_completion(row.id);
    Ok(row)
}

/// Notes that this many bytes of an upload are stored, from its first byte on.
pub(super) async fn advance(
    uploads: &Uploads,
    video: VideoId,
    upload: &UploadId,
    bytes: u64,
) -> Result<UploadRow, store::Error> {
    let stores = &uploads.records.stores;
    let now = stores.clock.now_us();
    let row = stores
        .metadata
        .uploads()
        .advance(upload, bytes, now)
        .await?;
    let event = Event::UploadProgress {
        video,
        received_bytes: bytes,
    };
    uploads.records.tell(event).await;
    Ok(row)
}

/// Notes that the last byte is stored: the source is complete, and the video can be started.
pub(super) async fn finish(
    uploads: &Arc<Uploads>,
    video: VideoId,
    upload: UploadId,
    bytes: u64,
) -> Result<VideoRow, store::Error> {
    let stores = &uploads.records.stores;
    let now = stores.clock.now_us();
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
    let row = uploads.records.change(video, complete).await?;
    if row.source != Source::Complete || row.state == State::Deleted {
        return Err(store::Error::NotFound);
    }
    close(uploads, &upload).await;
    uploads.tell_of_completion(row.id);
    Ok(row)
}

/// Marks an upload as complete, so that it is never given up.
async fn close(uploads: &Uploads, upload: &UploadId) {
    let rows = uploads.records.stores.metadata.uploads();
    if let Err(error) = rows
        .complete(upload, uploads.records.stores.clock.now_us())
        .await
    {
        tracing::warn!(%error, %upload, "an upload could not be marked as complete; the janitor does it");
    }
}

/// Has a video fail whose upload was cut off for good, and deletes the blocks. A source that has become complete
/// nevertheless stays as it is.
pub(crate) async fn lose(
    uploads: &Arc<Uploads>,
    video: VideoId,
    upload: UploadId,
    code: Code,
) -> Result<(), store::Error> {
    match uploads.records.change(video, |row| lost(row, code)).await {
        Ok(row) if row.source == Source::Complete && row.state != State::Deleted => {
            close(uploads, &upload).await;
            return Ok(());
        }
        // The video's row was never inserted, or has been removed.
        Ok(_) | Err(store::Error::NotFound) => {}
        Err(error) => return Err(error),
    }
    let prefix = store::Prefix::Upload(upload);
    store::objects::delete_prefix(&*uploads.records.stores.objects, &prefix).await?;
    uploads
        .records
        .stores
        .metadata
        .uploads()
        .remove(&upload)
        .await
}

/// Writes into a row that its source will never be complete; returns whether the row was still waiting for the source.
pub(crate) fn lost(row: &mut VideoRow, code: Code) -> bool {
    let message = match code {
        Code::LimitSize => "The source is larger than is taken.",
        Code::NoSpace => "No space was left while the source arrived.",
        _ => "The upload was cut off before its last byte.",
    };
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
}

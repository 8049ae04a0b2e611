//! A source arrives: cut into blocks, each durable the moment it is full.

pub(crate) mod blocks;
mod direct;
mod promised;
mod writer;

use std::sync::Arc;

use plan::{Code, OwnerId, UploadId, VideoId};
use store::Event;
use store::metadata::{Priority, Source, SourcePart, State, UploadRow, VideoError, VideoRow};
use transcoder::FileSource;

pub use self::direct::UploadPart;
pub(crate) use self::direct::{begin_direct, complete, endpoint, parts, sync};
pub(crate) use self::promised::Promised;
pub use self::writer::UploadWriter;

use crate::inner::Inner;
use crate::videos::start;

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
    /// Not all of it is there.
    #[error("only {there} bytes are there")]
    Incomplete {
        /// What is there from the first byte on.
        there: u64,
    },
    /// Blocks can be put nowhere but through an origin.
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

pub(crate) async fn begin(
    inner: &Arc<Inner>,
    owner: OwnerId,
    title: String,
    declared_size: Option<u64>,
    priority: Priority,
) -> Result<(VideoRow, UploadWriter), UploadError> {
    let (video, upload) = insert(inner, owner, title, declared_size, priority).await?;
    let writer = UploadWriter::new(inner.clone(), &upload);
    Ok((video, writer))
}

/// Whether a source of so many bytes, as far as that is known, would be taken now.
pub(crate) async fn admit(inner: &Inner, declared_size: Option<u64>) -> Result<(), UploadError> {
    let limit = inner.config.policy.limits.size_bytes;
    if declared_size.is_some_and(|size| size > limit) {
        return Err(UploadError::TooLarge { limit });
    }
    let free = inner.stores.objects.free_bytes().await?;
    // Of those under way, too, more is still to come.
    let promised = inner.promised.bytes();
    if free.is_some_and(|free| declared_size.unwrap_or(1).saturating_add(promised) > free) {
        return Err(UploadError::NoSpace);
    }
    Ok(())
}

/// The rows of a video whose source is to come.
async fn insert(
    inner: &Inner,
    owner: OwnerId,
    title: String,
    declared_size: Option<u64>,
    priority: Priority,
) -> Result<(VideoRow, UploadRow), UploadError> {
    admit(inner, declared_size).await?;
    let now = inner.stores.clock.now_us();
    let (video, upload) = (inner.stores.ids.video(), inner.stores.ids.upload());
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
    inner.stores.metadata.uploads().insert(&upload).await?;
    let mut row = VideoRow::new(video, owner, title, now);
    row.declared_size = declared_size;
    row.priority = priority;
    inner.stores.metadata.videos().insert(&row).await?;
    Ok((row, upload))
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
    start::begin(inner, row.id);
    Ok(row)
}

/// So much of an upload is durable, from its first byte on.
async fn advance(
    inner: &Inner,
    video: VideoId,
    upload: &UploadId,
    bytes: u64,
) -> Result<UploadRow, store::Error> {
    let stores = &inner.stores;
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
    inner.records.tell(event).await;
    Ok(row)
}

/// The last byte is durable: the source is complete, and the video's life goes on.
async fn finish(
    inner: &Arc<Inner>,
    video: VideoId,
    upload: UploadId,
    bytes: u64,
) -> Result<VideoRow, store::Error> {
    let stores = &inner.stores;
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
    let row = inner.records.change(video, complete).await?;
    if row.source != Source::Complete || row.state == State::Deleted {
        return Err(store::Error::NotFound);
    }
    close(inner, &upload).await;
    start::begin(inner, row.id);
    Ok(row)
}

/// The source is complete, whoever says so: nothing of its upload is given up any more.
async fn close(inner: &Inner, upload: &UploadId) {
    let uploads = inner.stores.metadata.uploads();
    if let Err(error) = uploads.complete(upload, inner.stores.clock.now_us()).await {
        tracing::warn!(%error, %upload, "the janitor is left to see that it is complete");
    }
}

/// An upload that was cut off for good: its video fails, its blocks go. Where it has become complete nevertheless, the source
/// stays as it is.
pub(crate) async fn lose(
    inner: &Arc<Inner>,
    video: VideoId,
    upload: UploadId,
    code: Code,
) -> Result<(), store::Error> {
    match inner.records.change(video, |row| lost(row, code)).await {
        Ok(row) if row.source == Source::Complete && row.state != State::Deleted => {
            close(inner, &upload).await;
            return Ok(());
        }
        // Its video was never inserted, or is forgotten.
        Ok(_) | Err(store::Error::NotFound) => {}
        Err(error) => return Err(error),
    }
    let prefix = store::Prefix::Upload(upload);
    store::objects::delete_prefix(&*inner.stores.objects, &prefix).await?;
    inner.stores.metadata.uploads().remove(&upload).await
}

/// What becomes of a row whose source will never be complete; says whether anything does.
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

//! Direct uploads: the sender puts the blocks of a source into the object store itself. The stored blocks and the rows
//! are the same as for a source that comes through an origin.

use std::sync::Arc;
use std::time::Duration;

use futures::{StreamExt, TryStreamExt, stream};
use plan::{Code, OwnerId, VideoId};
use store::ObjectKey;
use store::metadata::{Priority, Source, UploadRow, VideoRow};
use store::objects::SignedPut;

use super::receipt::{UploadError, Uploads, advance, finish, insert, lose};
use crate::uploads::blocks::BLOCK;

/// How long the signed request of a part is valid: 8 MiB at 20 kbit/s take about as long. An upload without progress is
/// given up later than that, so that no block arrives after it was given up.
const VALID: Duration = Duration::from_secs(3000);
/// Parts that one answer lists at most.
const PARTS: u32 = 64;
/// Blocks that are looked up in the store at once.
const LOOKS: usize = 16;
/// Bytes of found blocks after which the row's offset is raised in between.
const NOTED: u64 = 256 * BLOCK;

/// A block of an upload that its sender puts into the object store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UploadPart {
    /// Number of the block in the source, from 0.
    pub index: u32,
    /// Exact length of the block in bytes.
    pub bytes: u64,
    /// The signed request that puts the block, once.
    pub put: SignedPut,
}

/// Key and length in bytes of a block of an upload.
fn block_of(row: &UploadRow, index: u32) -> (ObjectKey, u64) {
    let key = ObjectKey::SourceBlock {
        upload: row.id,
        index,
    };
    let from = u64::from(index) * BLOCK;
    let bytes = row.declared_size.unwrap_or(0).saturating_sub(from);
    (key, bytes.min(BLOCK))
}

/// Address to which senders put blocks, as `scheme://host:port`; `None` where blocks have to come through an origin.
pub(crate) async fn endpoint(uploads: &Uploads) -> Result<Option<String>, store::Error> {
    let nothing = ObjectKey::SourceBlock {
        upload: uploads.records.stores.ids.upload(),
        index: 0,
    };
    let put = uploads
        .records
        .stores
        .objects
        .sign_put(&nothing, 1, VALID)
        .await?;
    let origin = |put: SignedPut| {
        let (scheme, rest) = put.url.split_once("://")?;
        let host = rest.split(['/', '?']).next()?;
        Some(format!("{scheme}://{host}"))
    };
    Ok(put.and_then(origin))
}

/// Begins a video whose sender puts the source, `size` bytes, into the object store part by part.
pub(crate) async fn begin_direct(
    uploads: &Arc<Uploads>,
    owner: OwnerId,
    title: String,
    size: u64,
    priority: Priority,
) -> Result<(VideoRow, UploadRow), UploadError> {
    let limit = uploads.config.policy.limits.size_bytes;
    if size > limit {
        return Err(UploadError::TooLarge { limit });
    }
    if endpoint(uploads).await?.is_none() {
        return Err(UploadError::NotDirect);
    }
    insert(uploads, owner, title, Some(size), priority).await
}

/// The parts from `first` on, at most `count` and at most [`PARTS`]; fewer at the end of the source.
pub(crate) async fn parts(
    uploads: &Uploads,
    row: &UploadRow,
    first: u32,
    count: u32,
) -> Result<Vec<UploadPart>, UploadError> {
    check_receiving(uploads, row.video).await?;
    // A sender that asks for parts means to go on, so the upload is not given up yet.
    let now = uploads.records.stores.clock.now_us();
    let rows = uploads.records.stores.metadata.uploads();
    rows.touch(&row.id, now).await?;
    let mut parts = Vec::new();
    for index in first..first.saturating_add(count.min(PARTS)) {
        let (key, bytes) = block_of(row, index);
        if bytes == 0 {
            break;
        }
        let put = uploads
            .records
            .stores
            .objects
            .sign_put(&key, bytes, VALID)
            .await?;
        let put = put.ok_or(UploadError::NotDirect)?;
        parts.push(UploadPart { index, bytes, put });
    }
    Ok(parts)
}

/// Looks up which blocks are stored, and raises the row's offset to the end of those that are stored without a gap.
pub(crate) async fn sync(
    uploads: &Arc<Uploads>,
    row: &UploadRow,
) -> Result<UploadRow, UploadError> {
    if row.complete {
        return Ok(row.clone());
    }
    check_receiving(uploads, row.video).await?;
    // The block number is rounded up: only the last block is short, and a block within the offset is not looked up
    // again.
    let first = u32::try_from(row.offset.div_ceil(BLOCK)).unwrap_or(u32::MAX);
    let blocks = (first..).map(|index| block_of(row, index));
    let blocks = stream::iter(blocks.take_while(|(_, bytes)| *bytes > 0));
    let looks = blocks.map(|(key, bytes)| async move {
        let found = uploads.records.stores.objects.head(&key).await?;
        Ok::<_, store::Error>((bytes, found))
    });
    let mut looks = looks.buffered(LOOKS);
    let (mut known, mut offset) = (row.clone(), row.offset);
    while let Some((bytes, found)) = looks.try_next().await? {
        match found {
            Some(found) if found.size == bytes => offset += bytes,
            // The length of a block is part of what is signed, so a block of another length was put by somebody else.
            Some(_) => {
                lose(uploads, row.video, row.id, Code::UploadLost).await?;
                return Err(store::Error::NotFound.into());
            }
            None => break,
        }
        // The offset is raised in between, so that a long look-up need not begin again.
        if offset - known.offset >= NOTED {
            known = advance(uploads, row.video, &row.id, offset).await?;
        }
    }
    if offset > known.offset {
        known = advance(uploads, row.video, &row.id, offset).await?;
    }
    Ok(known)
}

/// Completes an upload whose sender has put all blocks: the source is complete, and the video can be started. Calling
/// it again is no error.
pub(crate) async fn complete(
    uploads: &Arc<Uploads>,
    row: &UploadRow,
) -> Result<VideoRow, UploadError> {
    let row = sync(uploads, row).await?;
    if Some(row.offset) != row.declared_size {
        let there = row.offset;
        return Err(UploadError::Incomplete { there });
    }
    Ok(finish(uploads, row.video, row.id, row.offset).await?)
}

/// Checks that a video still takes bytes: a deleted, complete or lost one does not.
async fn check_receiving(uploads: &Uploads, video: VideoId) -> Result<(), UploadError> {
    let row = uploads.records.living(video).await?;
    match row.is_some_and(|row| row.source == Source::Receiving) {
        true => Ok(()),
        false => Err(store::Error::NotFound.into()),
    }
}

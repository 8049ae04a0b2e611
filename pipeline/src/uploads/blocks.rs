//! Sources as the engine reads them: from blocks of 8 MiB in the store, from a file, or from memory.

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use store::metadata::{SourcePart, VideoRow};
use store::{ObjectKey, Objects};
use transcoder::{FileSource, SourceError, SourceReader};

/// Size of a source block, in bytes.
pub const BLOCK: u64 = 8 << 20;

/// Opens the source of a video, and returns it with its size in bytes: stored blocks, or the file that is read in
/// place.
pub(crate) fn source_of(
    source_file: Option<&Path>,
    objects: &Arc<dyn Objects>,
    row: &VideoRow,
) -> std::io::Result<(Arc<dyn SourceReader>, u64)> {
    match source_file {
        Some(path) if row.parts.is_empty() => {
            let (source, size) = FileSource::open(path)?;
            Ok((Arc::new(source), size))
        }
        _ => {
            let source = BlockSource {
                objects: objects.clone(),
                parts: row.parts.clone(),
            };
            let size = source.size();
            Ok((Arc::new(source), size))
        }
    }
}

/// A whole source in memory, such as an init segment followed by one segment.
pub(crate) struct Held(pub(crate) Bytes);

#[async_trait]
impl SourceReader for Held {
    async fn read(&self, offset: u64, length: u32) -> Result<Bytes, SourceError> {
        let at =
            |place: u64| usize::try_from(place).map_or(self.0.len(), |at| at.min(self.0.len()));
        Ok(self
            .0
            .slice(at(offset)..at(offset.saturating_add(u64::from(length)))))
    }
}

/// Reads byte ranges of a source that is stored in blocks.
struct BlockSource {
    objects: Arc<dyn Objects>,
    parts: Vec<SourcePart>,
}

impl BlockSource {
    /// Size of the whole source, in bytes.
    fn size(&self) -> u64 {
        self.parts.iter().map(|part| part.bytes).sum()
    }

    /// Finds the block that holds a byte. Returns the block's key, the byte's offset in the block, and the bytes that
    /// are left in the block from there.
    fn locate(&self, offset: u64) -> Option<(ObjectKey, u64, u64)> {
        let mut start = 0;
        for part in &self.parts {
            if offset < start + part.bytes {
                let within = offset - start;
                let index = u32::try_from(within / BLOCK).ok()?;
                let block_end = (u64::from(index) + 1) * BLOCK;
                let left = block_end.min(part.bytes) - within;
                return Some((
                    ObjectKey::SourceBlock {
                        upload: part.upload,
                        index,
                    },
                    within % BLOCK,
                    left,
                ));
            }
            start += part.bytes;
        }
        None
    }
}

#[async_trait]
impl SourceReader for BlockSource {
    async fn read(&self, offset: u64, length: u32) -> Result<Bytes, SourceError> {
        let mut out = BytesMut::with_capacity(length as usize);
        while out.len() < length as usize {
            let Some((key, at, left)) = self.locate(offset + out.len() as u64) else {
                break;
            };
            let wanted = (length as u64 - out.len() as u64).min(left);
            let read = async {
                self.objects
                    .read(&key, Some(at..at + wanted))
                    .await?
                    .bytes()
                    .await
            };
            let bytes: Result<Bytes, store::Error> = read.await;
            let bytes = bytes.map_err(|error| SourceError(error.into()))?;
            if bytes.is_empty() {
                break;
            }
            if bytes.len() == length as usize {
                return Ok(bytes);
            }
            out.extend_from_slice(&bytes);
        }
        Ok(out.freeze())
    }
}

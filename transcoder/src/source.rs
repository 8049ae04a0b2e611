//! What an engine reads: byte ranges of a source, wherever it lies.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;

/// The source could not be read.
#[derive(Debug, thiserror::Error)]
#[error("the source cannot be read: {0}")]
pub struct SourceError(#[source] pub Box<dyn std::error::Error + Send + Sync>);

/// A source of known size.
#[async_trait]
pub trait SourceReader: Send + Sync {
    /// Bytes `offset .. offset + length`; fewer only at the source's end.
    async fn read(&self, offset: u64, length: u32) -> Result<Bytes, SourceError>;
}

/// A source that is a file, read in place.
pub struct FileSource {
    file: Arc<File>,
}

impl FileSource {
    /// Opens the file; its size comes with it.
    ///
    /// # Errors
    /// Where it cannot be opened, or is no regular file.
    pub fn open(path: &Path) -> std::io::Result<(Self, u64)> {
        let file = File::open(path)?;
        let metadata = file.metadata()?;
        if metadata.is_dir() {
            return Err(std::io::ErrorKind::IsADirectory.into());
        }
        Ok((
            Self {
                file: Arc::new(file),
            },
            metadata.len(),
        ))
    }
}

#[async_trait]
impl SourceReader for FileSource {
    async fn read(&self, offset: u64, length: u32) -> Result<Bytes, SourceError> {
        let file = self.file.clone();
        let read = move || {
            let mut bytes = vec![0; length as usize];
            let mut filled = 0;
            while filled < bytes.len() {
                match file.read_at(&mut bytes[filled..], offset + filled as u64)? {
                    0 => break,
                    n => filled += n,
                }
            }
            bytes.truncate(filled);
            Ok::<_, std::io::Error>(Bytes::from(bytes))
        };
        let read = tokio::task::spawn_blocking(read).await;
        match read {
            Ok(Ok(bytes)) => Ok(bytes),
            Ok(Err(error)) => Err(SourceError(error.into())),
            Err(error) => Err(SourceError(error.into())),
        }
    }
}

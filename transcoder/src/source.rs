//! The source of an engine: byte ranges, wherever they are stored.

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

/// Source of known size.
#[async_trait]
pub trait SourceReader: Send + Sync {
    /// Reads the bytes `offset .. offset + length`; fewer are returned only at the source's end.
    async fn read(&self, offset: u64, length: u32) -> Result<Bytes, SourceError>;
}

/// Source that is a file, read in place.
pub struct FileSource {
    file: Arc<File>,
}

impl FileSource {
    /// Opens a file; returns its size too.
    ///
    /// # Errors
    /// An error is returned where the file cannot be opened, or is a folder.
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

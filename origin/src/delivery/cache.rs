//! Memory cache for files of renditions. It is limited by bytes and keeps the few files that many viewers ask for.

use std::future::Future;

use bytes::Bytes;
use moka::future::Cache;
use plan::RenditionKey;

use super::rendition_file::RenditionFile;
use super::respond::{DeliveryError, strong_tag, weak_tag};

/// Bytes of memory that an entry takes besides its file: key, ETag, and the nodes of the cache.
const OVERHEAD: u32 = 400;

/// File that never changes, with the headers of its responses.
#[derive(Clone)]
pub struct File {
    pub bytes: Bytes,
    pub content_type: &'static str,
    /// ETag, which is a hash of the bytes; it is kept so that it is computed once and not for every request.
    pub etag: String,
    /// Whether the file may have been made on demand, so that requests waited for it.
    pub made: bool,
}

impl File {
    /// Media file, with a strong ETag: its bytes are sent unchanged.
    pub fn media(bytes: Bytes, content_type: &'static str, made: bool) -> Self {
        let etag = strong_tag(&bytes);
        Self {
            bytes,
            content_type,
            etag,
            made,
        }
    }

    /// Text file, with a weak ETag: it may be compressed on its way, so that its bytes differ.
    pub fn text(text: String, content_type: &'static str) -> Self {
        let bytes = Bytes::from(text);
        let etag = weak_tag(&bytes);
        Self {
            bytes,
            content_type,
            etag,
            made: false,
        }
    }
}

/// Memory cache of whole files; cheap to clone.
#[derive(Clone)]
pub struct FileCache(Cache<(RenditionKey, RenditionFile), File>);

impl FileCache {
    /// Cache of at most so many bytes.
    pub fn new(bytes: u64) -> Self {
        let weigher = |_: &(RenditionKey, RenditionFile), file: &File| {
            let length = u32::try_from(file.bytes.len()).unwrap_or(u32::MAX);
            length.saturating_add(OVERHEAD)
        };
        let cache = Cache::builder().max_capacity(bytes).weigher(weigher);
        Self(cache.build())
    }

    /// Returns a file from memory, or reads it by `read`. Concurrent requests for the same file read it once.
    pub(super) async fn get(
        &self,
        key: (RenditionKey, RenditionFile),
        read: impl Future<Output = Result<File, DeliveryError>>,
    ) -> Result<File, DeliveryError> {
        let got = self.0.try_get_with(key, read).await;
        got.map_err(|error| *error)
    }

    /// Numbers of files and of bytes in the cache.
    pub fn size(&self) -> (u64, u64) {
        (self.0.entry_count(), self.0.weighted_size())
    }
}

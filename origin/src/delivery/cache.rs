//! Files of renditions in memory, by weight: the few that everybody asks for.

use std::future::Future;

use bytes::Bytes;
use moka::future::Cache;
use plan::RenditionKey;

use super::name::FileName;
use super::respond::{DeliveryError, strong_tag, weak_tag};

/// Memory that an entry takes beside its bytes: key, tag, the cache's own nodes.
const OVERHEAD: u32 = 400;

/// A file that never changes, with what a response says of it.
#[derive(Clone)]
pub struct File {
    pub bytes: Bytes,
    pub content_type: &'static str,
    /// Hashed once, not for every request.
    pub etag: String,
    /// Whether it was made because somebody asked.
    pub made: bool,
}

impl File {
    /// Media: its bytes go out as they are.
    pub fn media(bytes: Bytes, content_type: &'static str, made: bool) -> Self {
        let etag = strong_tag(&bytes);
        Self {
            bytes,
            content_type,
            etag,
            made,
        }
    }

    /// Text: compressed on its way, hence the same only in meaning.
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

/// A bounded cache of whole files; cheap to clone.
#[derive(Clone)]
pub struct FileCache(Cache<(RenditionKey, FileName), File>);

impl FileCache {
    /// At most so many bytes.
    pub fn new(bytes: u64) -> Self {
        let weigher = |_: &(RenditionKey, FileName), file: &File| {
            let length = u32::try_from(file.bytes.len()).unwrap_or(u32::MAX);
            length.saturating_add(OVERHEAD)
        };
        let cache = Cache::builder().max_capacity(bytes).weigher(weigher);
        Self(cache.build())
    }

    /// A file from memory, or from `read`; requests for the same file read it once.
    pub(super) async fn get(
        &self,
        key: (RenditionKey, FileName),
        read: impl Future<Output = Result<File, DeliveryError>>,
    ) -> Result<File, DeliveryError> {
        let got = self.0.try_get_with(key, read).await;
        got.map_err(|error| *error)
    }

    /// Objects and bytes held.
    pub fn size(&self) -> (u64, u64) {
        (self.0.entry_count(), self.0.weighted_size())
    }
}

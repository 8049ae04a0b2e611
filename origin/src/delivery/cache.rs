//! Segments in memory, by weight: the few that everybody asks for.

use std::sync::Arc;

use bytes::Bytes;
use moka::future::Cache;
use plan::SegmentKey;

/// A bounded cache of whole objects.
#[derive(Clone)]
pub struct SegmentCache(Arc<Cache<SegmentKey, Bytes>>);

impl SegmentCache {
    /// At most so many bytes.
    pub fn new(bytes: u64) -> Self {
        let weigher = |_: &SegmentKey, body: &Bytes| u32::try_from(body.len()).unwrap_or(u32::MAX);
        Self(Arc::new(
            Cache::builder()
                .max_capacity(bytes)
                .weigher(weigher)
                .build(),
        ))
    }

    pub(super) async fn get(&self, key: &SegmentKey) -> Option<Bytes> {
        self.0.get(key).await
    }

    pub(super) async fn keep(&self, key: SegmentKey, body: &Bytes) {
        self.0.insert(key, body.clone()).await;
    }

    /// Objects and bytes held.
    pub fn size(&self) -> (u64, u64) {
        (self.0.entry_count(), self.0.weighted_size())
    }
}

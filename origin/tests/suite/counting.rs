//! Object store for tests that counts reads of segments.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use store::objects::Layer;
use store::{Error, ObjectKey, ObjectRead, Objects};

/// Object store that counts reads of segments.
pub struct Counting {
    objects: Arc<dyn Objects>,
    reads: AtomicU64,
}

impl Counting {
    pub fn new(objects: Arc<dyn Objects>) -> Self {
        Self {
            objects,
            reads: AtomicU64::new(0),
        }
    }

    /// Returns the number of segments that were read since the last call, and starts again at zero.
    pub fn take_reads(&self) -> u64 {
        self.reads.swap(0, Ordering::Relaxed)
    }
}

#[async_trait]
impl Layer for Counting {
    fn below(&self) -> &dyn Objects {
        &*self.objects
    }

    async fn read(&self, key: &ObjectKey, range: Option<Range<u64>>) -> Result<ObjectRead, Error> {
        if matches!(key, ObjectKey::Segment(_)) {
            self.reads.fetch_add(1, Ordering::Relaxed);
            // Other requests run meanwhile, so that they meet this one's read.
            tokio::task::yield_now().await;
        }
        self.objects.read(key, range).await
    }
}

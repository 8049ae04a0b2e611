//! Caches in front of origins are told what was deleted, and what players must not find in them any more.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use plan::VideoId;
use store::Clock;

use crate::tasks::Tasks;

/// A cache that origins do not reach by themselves: a CDN's.
#[async_trait]
pub trait Purge: Send + Sync {
    /// Has everything of a video dropped.
    ///
    /// # Errors
    /// In words for the log. It is asked again.
    async fn purge(&self, video: VideoId) -> Result<(), String>;
}

/// An origin may have answered a moment before it heard of the deletion, and its answer may be
/// kept after the first purge.
const ONCE_MORE: Duration = Duration::from_secs(60);
/// The first pause after a purge that failed; it doubles up to the longest.
const AGAIN: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(300);
/// After so many failures it is left to an operator.
const TRIES: u32 = 12;

/// Tells the configured cache of deletions, where there is one.
pub(crate) struct CachePurge {
    cache: Option<Arc<dyn Purge>>,
    tasks: Arc<Tasks>,
    clock: Arc<dyn Clock>,
}

impl CachePurge {
    pub(crate) fn new(
        cache: Option<Arc<dyn Purge>>,
        tasks: &Arc<Tasks>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            cache,
            tasks: tasks.clone(),
            clock,
        }
    }

    /// Has everything of a video dropped from the cache, now and once more.
    pub(crate) fn forget(&self, video: VideoId) {
        let Some(cache) = self.cache.clone() else {
            return;
        };
        let clock = self.clock.clone();
        self.tasks.spawn(async move {
            purge_until_done(&*cache, &*clock, video).await;
            clock.sleep(ONCE_MORE).await;
            purge_until_done(&*cache, &*clock, video).await;
        });
    }
}

async fn purge_until_done(cache: &dyn Purge, clock: &dyn Clock, video: VideoId) {
    let mut pause = AGAIN;
    for _ in 0..TRIES {
        match cache.purge(video).await {
            Ok(()) => return,
            Err(error) => tracing::warn!(%error, %video, "a cache was not told to drop a video"),
        }
        clock.sleep(pause).await;
        pause = LONGEST.min(pause * 2);
    }
    tracing::error!(%video, "a cache may keep a deleted or replaced video: purge it by hand");
}

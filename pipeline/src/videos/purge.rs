//! Purge of the cache in front of origins: it is told which videos were deleted or replaced, so that players do not
//! find them there.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use plan::VideoId;
use store::Clock;

use crate::tasks::Tasks;

/// A cache in front of origins that has to be told of changes, such as a CDN.
#[async_trait]
pub trait Purge: Send + Sync {
    /// Has the cache drop everything of a video.
    ///
    /// # Errors
    /// A message for the log; the purge is tried again.
    async fn purge(&self, video: VideoId) -> Result<(), String>;
}

/// Time until a video is purged a second time: an origin may have answered just before it learned of the deletion, and
/// the cache may keep that answer after the first purge.
const ONCE_MORE: Duration = Duration::from_secs(60);
/// The first pause after a failed purge; the pause doubles up to [`LONGEST`].
const AGAIN: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(300);
/// Failures after which an operator has to purge the cache.
const TRIES: u32 = 12;

/// Tells the configured cache of deletions, where one is configured.
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

    /// Has the cache drop everything of a video, now and once more later.
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

/// Purges a video; tries again with longer pauses if that fails.
async fn purge_until_done(cache: &dyn Purge, clock: &dyn Clock, video: VideoId) {
    let mut pause = AGAIN;
    for _ in 0..TRIES {
        match cache.purge(video).await {
            Ok(()) => return,
            Err(error) => {
                tracing::warn!(%error, %video, "a cache did not purge a video; the purge is tried again")
            }
        }
        clock.sleep(pause).await;
        pause = LONGEST.min(pause * 2);
    }
    tracing::error!(%video, "a cache may keep a deleted or replaced video; purge it by hand");
}

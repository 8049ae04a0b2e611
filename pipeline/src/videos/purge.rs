//! Caches in front of origins are told what was deleted, and what players must not find in them any more.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use plan::VideoId;

use crate::inner::Inner;

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

/// Has a video dropped, now and once more.
pub(crate) fn forget(inner: &Arc<Inner>, video: VideoId) {
    let Some(cache) = inner.config.purge.clone() else {
        return;
    };
    let (inner, tasks) = (inner.clone(), inner);
    tasks.tasks.spawn(async move {
        surely(&inner, &*cache, video).await;
        inner.stores.clock.sleep(ONCE_MORE).await;
        surely(&inner, &*cache, video).await;
    });
}

async fn surely(inner: &Inner, cache: &dyn Purge, video: VideoId) {
    let mut pause = AGAIN;
    for _ in 0..TRIES {
        match cache.purge(video).await {
            Ok(()) => return,
            Err(error) => tracing::warn!(%error, %video, "a cache was not told to drop a video"),
        }
        inner.stores.clock.sleep(pause).await;
        pause = LONGEST.min(pause * 2);
    }
    tracing::error!(%video, "a cache may keep what is not so any more: purge it by hand");
}

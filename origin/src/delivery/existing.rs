//! Check that a video is not deleted, before any of its objects is served. The answer is remembered for a second. While
//! the metadata store does not answer, videos that existed a while ago still count as living, so that media in memory
//! or in the object store goes on being served.

use std::future::Future;
use std::time::Duration;

use moka::future::Cache;
use pipeline::Pipeline;
use plan::VideoId;

use super::respond::DeliveryError;

/// Time for which a deletion by another process may go unnoticed; a deletion by this process is noticed at once.
const FRESH: Duration = Duration::from_secs(1);
/// Time for which a video counts as living while the metadata store does not answer.
const WITHOUT_STORE: Duration = Duration::from_secs(600);
/// Time that a request for a recently seen video waits for the metadata store, which normally answers in a tenth of it.
const WAIT: Duration = Duration::from_millis(300);
/// Most videos that are remembered; each takes about 100 bytes.
const REMEMBERED: u64 = 10_000;

/// Videos that are known to exist; cheap to clone.
#[derive(Clone)]
pub struct ExistingVideos {
    /// Videos that existed within the last second.
    now: Cache<VideoId, ()>,
    /// Videos that existed within the last ten minutes.
    lately: Cache<VideoId, ()>,
}

impl ExistingVideos {
    pub fn new() -> Self {
        let cache = |time| Cache::builder().max_capacity(REMEMBERED).time_to_live(time);
        Self {
            now: cache(FRESH).build(),
            lately: cache(WITHOUT_STORE).build(),
        }
    }

    /// Checks that a video exists and is not deleted.
    ///
    /// # Errors
    /// `NotFound` if it does not exist or is deleted.
    pub(super) async fn check(
        &self,
        pipeline: &Pipeline,
        video: VideoId,
    ) -> Result<(), DeliveryError> {
        let look = async {
            match pipeline.videos().get(video).await {
                Ok(Some(_)) => Ok(()),
                Ok(None) => Err(DeliveryError::NotFound),
                Err(error) => Err(error.into()),
            }
        };
        self.check_by(video, look).await
    }

    /// Checks a video by `look`, unless the answer is remembered.
    async fn check_by(
        &self,
        video: VideoId,
        look: impl Future<Output = Result<(), DeliveryError>>,
    ) -> Result<(), DeliveryError> {
        let look = async {
            let was_there = self.lately.contains_key(&video);
            let found = if was_there {
                let found = tokio::time::timeout(WAIT, look).await;
                found.unwrap_or(Err(DeliveryError::NotReady))
            } else {
                look.await
            };
            match found {
                Ok(()) => self.lately.insert(video, ()).await,
                Err(DeliveryError::NotFound) => {
                    self.lately.invalidate(&video).await;
                    return found;
                }
                Err(_) if was_there => {}
                Err(_) => return found,
            }
            Ok(())
        };
        let known = self.now.try_get_with(video, look).await;
        known.map_err(|error| *error)
    }

    /// Forgets a video that this process deleted.
    pub async fn forget(&self, video: VideoId) {
        self.lately.invalidate(&video).await;
        self.now.invalidate(&video).await;
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use super::*;

    #[tokio::test]
    async fn a_known_video_is_served_while_the_metadata_store_does_not_answer() {
        let (existing, video) = (ExistingVideos::new(), VideoId::new());
        let away = || ready(Err(DeliveryError::NotReady));
        // A video that was never seen is not served.
        assert!(existing.check_by(video, away()).await.is_err());
        existing.check_by(video, ready(Ok(()))).await.unwrap();
        existing.now.invalidate(&video).await;
        existing.check_by(video, away()).await.unwrap();
        existing.now.invalidate(&video).await;
        existing.check_by(video, pending()).await.unwrap();
        // Once the store answers that the video is gone, it is not served any more.
        existing.now.invalidate(&video).await;
        for _ in 0..2 {
            let gone = ready(Err(DeliveryError::NotFound));
            assert_eq!(
                existing.check_by(video, gone).await,
                Err(DeliveryError::NotFound)
            );
        }
        assert!(existing.check_by(video, away()).await.is_err());
    }
}

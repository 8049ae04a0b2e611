//! Which videos are not deleted: asked before every object, hence remembered for a moment. Where
//! the rows do not answer, what was there a while ago still is: what is in memory or in the
//! object store goes on being served.

use std::future::Future;
use std::time::Duration;

use moka::future::Cache;
use pipeline::Pipeline;
use plan::VideoId;

use super::respond::DeliveryError;

/// How long another process's deletion may go unnoticed; one's own is noticed at once.
const MOMENT: Duration = Duration::from_secs(1);
/// As much while the rows do not answer.
const A_WHILE: Duration = Duration::from_secs(600);
/// Rows that are there answer in a tenth of this; who was there lately waits no longer.
const PATIENCE: Duration = Duration::from_millis(300);
/// Videos remembered: 100 bytes each.
const REMEMBERED: u64 = 10_000;

/// Videos that were there a moment ago; cheap to clone.
#[derive(Clone)]
pub struct Living {
    now: Cache<VideoId, ()>,
    lately: Cache<VideoId, ()>,
}

impl Living {
    pub fn new() -> Self {
        let cache = |time| Cache::builder().max_capacity(REMEMBERED).time_to_live(time);
        Self {
            now: cache(MOMENT).build(),
            lately: cache(A_WHILE).build(),
        }
    }

    /// Refuses what is no video, or a deleted one.
    pub(super) async fn check(
        &self,
        pipeline: &Pipeline,
        video: VideoId,
    ) -> Result<(), DeliveryError> {
        let look = async {
            match pipeline.video(video).await {
                Ok(Some(_)) => Ok(()),
                Ok(None) => Err(DeliveryError::NotFound),
                Err(error) => Err(error.into()),
            }
        };
        self.check_by(video, look).await
    }

    async fn check_by(
        &self,
        video: VideoId,
        look: impl Future<Output = Result<(), DeliveryError>>,
    ) -> Result<(), DeliveryError> {
        let look = async {
            let was_there = self.lately.contains_key(&video);
            let found = if was_there {
                let found = tokio::time::timeout(PATIENCE, look).await;
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

    /// It was deleted.
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
    async fn what_was_there_is_there_while_the_rows_do_not_answer() {
        let (living, video) = (Living::new(), VideoId::new());
        let away = || ready(Err(DeliveryError::NotReady));
        // Nothing is known yet.
        assert!(living.check_by(video, away()).await.is_err());
        living.check_by(video, ready(Ok(()))).await.unwrap();
        living.now.invalidate(&video).await;
        living.check_by(video, away()).await.unwrap();
        living.now.invalidate(&video).await;
        living.check_by(video, pending()).await.unwrap();
        // Once they answer, what is gone is gone.
        living.now.invalidate(&video).await;
        for _ in 0..2 {
            let gone = ready(Err(DeliveryError::NotFound));
            assert_eq!(
                living.check_by(video, gone).await,
                Err(DeliveryError::NotFound)
            );
        }
        assert!(living.check_by(video, away()).await.is_err());
    }
}

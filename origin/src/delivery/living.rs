//! Which videos are not deleted: asked before every object, hence remembered for a moment.

use std::time::Duration;

use moka::future::Cache;
use pipeline::Pipeline;
use plan::VideoId;

use super::respond::DeliveryError;

/// How long another process's deletion may go unnoticed; one's own is noticed at once.
const MOMENT: Duration = Duration::from_secs(1);
/// Videos remembered: 100 bytes each.
const REMEMBERED: u64 = 10_000;

/// Videos that were there a moment ago; cheap to clone.
#[derive(Clone)]
pub struct Living(Cache<VideoId, ()>);

impl Living {
    pub fn new() -> Self {
        let cache = Cache::builder()
            .max_capacity(REMEMBERED)
            .time_to_live(MOMENT);
        Self(cache.build())
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
        let known = self.0.try_get_with(video, look).await;
        known.map_err(|error| *error)
    }

    /// It was deleted.
    pub async fn forget(&self, video: VideoId) {
        self.0.invalidate(&video).await;
    }
}

//! How often each video was played.

use async_trait::async_trait;
use plan::VideoId;

use crate::Error;

/// A count per video, beside its row, which is not written for each of them.
#[async_trait]
pub trait Views: Send + Sync {
    /// Adds to a video's count and returns what it is then, with what others have added. An error
    /// leaves open whether it was added.
    async fn add(&self, video: &VideoId, views: u64) -> Result<u64, Error>;

    /// A video's count; nought where nothing was added.
    async fn get(&self, video: &VideoId) -> Result<u64, Error>;

    /// Forgets a video that is gone for good: what is added after that may count or not.
    async fn remove(&self, video: &VideoId) -> Result<(), Error>;
}

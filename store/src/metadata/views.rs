//! View counts of videos.

use async_trait::async_trait;
use plan::VideoId;

use crate::Error;

/// Repository of view counts. They are stored beside the videos' rows, which are not written for each view.
#[async_trait]
pub trait Views: Send + Sync {
    /// Adds views to a video's count and returns the new count, which includes views that other processes have added.
    /// After an error it is unknown whether the views were added.
    async fn add(&self, video: &VideoId, views: u64) -> Result<u64, Error>;

    /// Reads a video's count; zero if there were no views.
    async fn get(&self, video: &VideoId) -> Result<u64, Error>;

    /// Removes the count of a video that no longer exists. Views that are added later may be counted or not.
    async fn remove(&self, video: &VideoId) -> Result<(), Error>;
}

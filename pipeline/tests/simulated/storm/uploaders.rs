//! Uploaders in a storm: they upload through an origin or past it, while the janitor looks at any moment.

use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use pipeline::UploadError;
use plan::VideoId;
use store::metadata::{Priority, UploadRow};
use store::{Error, ObjectKey};

use super::World;

/// The bytes of every uploaded source.
const SOURCE: &[u8] = b"a source";
/// How long a block may be put after its place was given.
const VALID: Duration = Duration::from_secs(3000);
/// Longer than an upload may go without progress.
pub const STILL: Duration = Duration::from_secs(3700);

impl World {
    /// Uploads a source through the origin; returns the video if the uploader was told that it is accepted.
    pub async fn upload(&self) -> Option<VideoId> {
        let owner = self.calm.ids.owner();
        let title = "A title".to_owned();
        let uploaded: Result<VideoId, UploadError> = async {
            let begun = self
                .origin
                .uploads()
                .create(owner, title, None, Priority::Interactive);
            let (row, mut writer) = begun.await?;
            writer.write(Bytes::from_static(SOURCE)).await?;
            writer.finish().await?;
            Ok(row.id)
        }
        .await;
        // The upload made no progress for an hour, since the clock leapt.
        if self.clock.has_leapt() && matches!(uploaded, Err(UploadError::Store(Error::NotFound))) {
            return None;
        }
        self.told(uploaded)
    }

    /// The answer as the uploader understands it: an error tells nobody that the upload is accepted. Where the weather
    /// spares the stores, there must be no error.
    fn told<T, E: Debug>(&self, answer: Result<T, E>) -> Option<T> {
        if self.weather.spares_stores() {
            return Some(answer.expect("the stores do as they are asked"));
        }
        answer.ok()
    }

    /// Deletes a video. A failed deletion may have happened all the same.
    pub async fn delete(&self, video: VideoId) {
        self.told(self.origin.videos().delete(video).await);
    }

    /// Uploads a source past the origin, slowly and without giving up.
    pub async fn upload_past_it(self: Arc<Self>) -> Option<VideoId> {
        let (owner, size) = (self.calm.ids.owner(), SOURCE.len() as u64);
        let title = "A title".to_owned();
        let begun = self
            .origin
            .uploads()
            .create_direct(owner, title, size, Priority::Bulk);
        let (row, upload) = begun.await.ok()?;
        let mut is_put = false;
        loop {
            self.dawdle().await;
            let done = if is_put {
                // The uploader's machine sleeps for an hour, and the janitor looks meanwhile.
                if self.weather.below(2) == 0 {
                    self.clock.leap(STILL);
                    let moment = Duration::from_millis(u64::from(self.weather.below(100)));
                    self.calm.clock.sleep(moment).await;
                }
                self.origin.uploads().complete(&upload).await.map(|_| true)
            } else {
                is_put = self.put(&upload).await.unwrap_or_default();
                self.is_received(&upload).await.map(|()| false)
            };
            match done {
                Ok(true) => return Some(row.id),
                // The upload was given up, and the uploader learns that.
                Err(UploadError::Store(Error::NotFound)) => return None,
                Ok(false) | Err(_) => {}
            }
        }
    }

    /// Asks for the place of the only block and puts the block there, unless the place is no longer valid; returns
    /// whether it did.
    async fn put(&self, upload: &UploadRow) -> Result<bool, UploadError> {
        self.origin.uploads().parts(upload, 0, 1).await?;
        let given = self.calm.clock.now();
        self.dawdle().await;
        if self.calm.clock.now().since(given) > VALID {
            return Ok(false);
        }
        let key = ObjectKey::SourceBlock {
            upload: upload.id,
            index: 0,
        };
        // The uploader has its own connection to the store.
        let objects = &self.calm.objects;
        objects
            .put_if_absent(&key, Bytes::from_static(SOURCE))
            .await?;
        Ok(true)
    }

    /// Checks whether the upload still takes bytes.
    async fn is_received(&self, upload: &UploadRow) -> Result<(), UploadError> {
        self.origin
            .uploads()
            .get(upload.id)
            .await?
            .ok_or(Error::NotFound)?;
        Ok(())
    }

    async fn dawdle(&self) {
        let pause = Duration::from_millis(u64::from(self.weather.below(3000)));
        self.calm.clock.sleep(pause).await;
    }
}

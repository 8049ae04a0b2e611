//! Copies one video: first its objects, then its other rows, and the row of the video itself last. A video's row in the
//! target therefore says that the video is complete there.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use futures::TryStreamExt;
use plan::{SegmentKey, UploadId, VideoId};
use store::metadata::{State, UploadRow, VideoRow};
use store::objects::delete_prefix;
use store::{Error, Listed, ObjectKey, Prefix};
use tokio::task::JoinSet;

use super::Migration;
use super::progress::expected_bytes;
use super::trouble::Trouble;

/// Outcome of copying a video.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The target did not have the video, and has it now.
    Copied,
    /// The target had an older state of the video, and has the present one now.
    Updated,
    /// The target had the video already.
    There,
    /// The target has a newer state of the video, which was left alone.
    Newer,
}

impl Migration {
    /// Copies a video, unless the target has it.
    pub async fn copy_video(self: &Arc<Self>, mut row: VideoRow) -> Result<Outcome, Trouble> {
        let expected = expected_bytes(&row);
        let uploads = self.prepare(&mut row).await?;
        let known = self.to.metadata.videos().get(&row.id).await?;
        let outcome = match &known {
            None => Outcome::Copied,
            Some(known) if *known == row => Outcome::There,
            Some(known) if known.epoch > row.epoch || was_deleted_in_target(known, &row) => {
                self.progress.correct_estimate(expected, 0);
                return Ok(Outcome::Newer);
            }
            Some(known) if known.epoch < row.epoch => Outcome::Updated,
            Some(_) => return Err(Trouble::Diverged("the video's row")),
        };
        if row.state == State::Deleted {
            self.progress.correct_estimate(expected, 0);
        } else {
            let sources = sources(&row, &uploads);
            self.copy_objects(row.id, &sources, expected, known.is_some())
                .await?;
            self.copy_attempts(&row.id).await?;
            self.copy_views(&row.id).await?;
        }
        self.copy_uploads(&uploads).await?;
        if outcome != Outcome::There {
            let videos = self.to.metadata.videos();
            match videos.put_if_newer(&row).await {
                // The row is there already, for example by an earlier call whose answer was lost.
                Err(Error::Conflict) if videos.get(&row.id).await?.as_ref() == Some(&row) => {}
                Err(Error::Conflict) => return Err(Trouble::Diverged("the video's row")),
                put => put?,
            }
        }
        if row.state == State::Deleted {
            self.delete_media(&row.id, &uploads).await?;
        }
        Ok(outcome)
    }

    /// Changes a row into what the target is to have, and returns the uploads that go with it. An upload that was not
    /// complete is lost, since its connection is: the next start of a server would say the same.
    async fn prepare(&self, row: &mut VideoRow) -> Result<Vec<UploadRow>, Error> {
        row.owner = self.owner_in_target(row.owner);
        if row.state != State::Deleted && pipeline::lose_upload(row) {
            row.epoch += 1;
            self.counts.add_cut_off();
            self.progress.print(&format!(
                "the upload of {} was not complete, and is lost",
                row.id
            ));
            return Ok(Vec::new());
        }
        let mut uploads = self.from.metadata.uploads().list_by_video(&row.id).await?;
        uploads.retain(|upload| upload.complete);
        for upload in &mut uploads {
            upload.owner = self.owner_in_target(upload.owner);
        }
        Ok(uploads)
    }

    /// Copies the objects of a video, several at once; `expected` is the estimate of their bytes that the progress has.
    async fn copy_objects(
        self: &Arc<Self>,
        video: VideoId,
        sources: &BTreeSet<UploadId>,
        expected: u64,
        was_whole: bool,
    ) -> Result<(), Trouble> {
        let mut objects = Vec::new();
        let mut there = BTreeMap::new();
        let sources = sources.iter().copied().map(Prefix::Upload);
        for prefix in sources.chain([Prefix::Video(video)]) {
            let listing = self.from.objects.list(&prefix).await?;
            let listing: Vec<Listed> = listing.try_collect().await?;
            // Staged objects were never published, and are not copied.
            let is_published = |object: &Listed| !matches!(object.key, ObjectKey::Staged { .. });
            objects.extend(listing.into_iter().filter(is_published));
            let mut listing = self.to.objects.list(&prefix).await?;
            while let Some(Listed { key, size }) = listing.try_next().await? {
                there.insert(key, size);
            }
        }
        let bytes = objects.iter().map(|object| object.size).sum();
        self.progress.correct_estimate(expected, bytes);

        // When an error drops the set, the copies in it are cancelled.
        let mut copying: JoinSet<Result<(), Trouble>> = JoinSet::new();
        for object in objects {
            let memory = self.reserve_memory(&object).await?;
            while let Some(copied) = copying.try_join_next() {
                copied??;
            }
            let there: Option<u64> = there.remove(&object.key);
            let migration = Arc::clone(self);
            copying.spawn(async move {
                let _memory = memory;
                migration.copy_object(&object, there, was_whole).await?;
                migration.progress.advance(object.size);
                Ok(())
            });
        }
        while let Some(copied) = copying.join_next().await {
            copied??;
        }
        Ok(())
    }

    /// Copies the rows of a video's failed tries and of its fillers.
    async fn copy_attempts(&self, video: &VideoId) -> Result<(), Error> {
        let (from, to) = (self.from.metadata.tries(), self.to.metadata.tries());
        let key = |(rendition, index)| SegmentKey {
            video: *video,
            rendition,
            index,
        };
        let tries = from.list(video).await?;
        if to.list(video).await? != tries {
            to.clear(video).await?;
            for (place, row) in tries {
                to.put(&key(place), row).await?;
            }
        }
        let known = to.fillers(video).await?;
        for &place in from.fillers(video).await?.difference(&known) {
            to.record_filler(&key(place)).await?;
        }
        Ok(())
    }

    /// Adds views to a video of the target, until it has at least as many as in the source.
    async fn copy_views(&self, video: &VideoId) -> Result<(), Error> {
        let (from, to) = (self.from.metadata.views(), self.to.metadata.views());
        let missing = from.get(video).await?.saturating_sub(to.get(video).await?);
        if missing > 0 {
            to.add(video, missing).await?;
        }
        Ok(())
    }

    /// Copies the rows of a video's complete uploads.
    async fn copy_uploads(&self, uploads: &[UploadRow]) -> Result<(), Trouble> {
        let to = self.to.metadata.uploads();
        for upload in uploads {
            let mut known = to.get(&upload.id).await?;
            if known.is_none() {
                match to.insert(upload).await {
                    Err(Error::Conflict) => known = to.get(&upload.id).await?,
                    inserted => {
                        inserted?;
                        continue;
                    }
                }
            }
            if known.as_ref() != Some(upload) {
                return Err(Trouble::Diverged("the row of the video's upload"));
            }
        }
        Ok(())
    }

    /// Deletes a deleted video's media, views and tries from the target, where an earlier run may have copied them.
    async fn delete_media(&self, video: &VideoId, uploads: &[UploadRow]) -> Result<(), Error> {
        let objects = &*self.to.objects;
        delete_prefix(objects, &Prefix::Video(*video)).await?;
        for upload in uploads {
            delete_prefix(objects, &Prefix::Upload(upload.id)).await?;
        }
        self.to.metadata.views().remove(video).await?;
        self.to.metadata.tries().remove(video).await
    }
}

/// Whether a video was deleted in the target but not in the source. It stays deleted, whatever changed in the source.
fn was_deleted_in_target(known: &VideoRow, row: &VideoRow) -> bool {
    known.state == State::Deleted && row.state != State::Deleted
}

/// Ids of the uploads whose blocks are the source of a video.
fn sources(row: &VideoRow, uploads: &[UploadRow]) -> BTreeSet<UploadId> {
    let parts = row.parts.iter().map(|part| part.upload);
    parts
        .chain(uploads.iter().map(|upload| upload.id))
        .collect()
}

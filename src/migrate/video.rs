//! One video: its objects, then its rows, and that of the video itself last.

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

/// What became of a video.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is there now.
    Copied,
    /// It was there, and is there as it is now.
    Updated,
    /// It was there.
    There,
    /// What is there has gone further, and was left alone.
    Newer,
}

impl Migration {
    /// Copies a video.
    pub async fn video(self: &Arc<Self>, mut row: VideoRow) -> Result<Outcome, Trouble> {
        let expected = expected_bytes(&row);
        let uploads = self.prepare(&mut row).await?;
        let known = self.to.metadata.videos().get(&row.id).await?;
        let outcome = match &known {
            None => Outcome::Copied,
            Some(known) if *known == row => Outcome::There,
            Some(known) if known.epoch > row.epoch || is_over(known, &row) => {
                self.progress.weighed(expected, 0);
                return Ok(Outcome::Newer);
            }
            Some(known) if known.epoch < row.epoch => Outcome::Updated,
            Some(_) => return Err(Trouble::Diverged("its row")),
        };
        if row.state == State::Deleted {
            self.progress.weighed(expected, 0);
        } else {
            let sources = sources(&row, &uploads);
            self.objects(row.id, &sources, expected, known.is_some())
                .await?;
            self.attempts(&row.id).await?;
            self.views(&row.id).await?;
        }
        self.uploads(&uploads).await?;
        if outcome != Outcome::There {
            let videos = self.to.metadata.videos();
            match videos.put_if_newer(&row).await {
                // By a call of ours whose answer was lost, for one.
                Err(Error::Conflict) if videos.get(&row.id).await?.as_ref() == Some(&row) => {}
                Err(Error::Conflict) => return Err(Trouble::Diverged("its row")),
                put => put?,
            }
        }
        if row.state == State::Deleted {
            self.sweep(&row.id, &uploads).await?;
        }
        Ok(outcome)
    }

    /// Makes of a row what it is to be in the target, and says with which uploads. One that was
    /// not complete has lost its connection: it is lost, as it would be to the next start.
    async fn prepare(&self, row: &mut VideoRow) -> Result<Vec<UploadRow>, Error> {
        row.owner = self.owner(row.owner);
        if row.state != State::Deleted && pipeline::lose_upload(row) {
            row.epoch += 1;
            self.counts.cut_off();
            self.progress.say(&format!(
                "{}: its upload was not complete and is lost",
                row.id
            ));
            return Ok(Vec::new());
        }
        let mut uploads = self.from.metadata.uploads().list_by_video(&row.id).await?;
        uploads.retain(|upload| upload.complete);
        for upload in &mut uploads {
            upload.owner = self.owner(upload.owner);
        }
        Ok(uploads)
    }

    /// Copies the objects of a video, many at once.
    async fn objects(
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
            // What was to be published, and was not, is not.
            let is_there = |object: &Listed| !matches!(object.key, ObjectKey::Staged { .. });
            objects.extend(listing.into_iter().filter(is_there));
            let mut listing = self.to.objects.list(&prefix).await?;
            while let Some(Listed { key, size }) = listing.try_next().await? {
                there.insert(key, size);
            }
        }
        let bytes = objects.iter().map(|object| object.size).sum();
        self.progress.weighed(expected, bytes);

        // Dropped, it gives up what is under way.
        let mut copying: JoinSet<Result<(), Trouble>> = JoinSet::new();
        for object in objects {
            let room = self.room(&object).await?;
            while let Some(copied) = copying.try_join_next() {
                copied??;
            }
            let there: Option<u64> = there.remove(&object.key);
            let migration = Arc::clone(self);
            copying.spawn(async move {
                let _room = room;
                migration.object(&object, there, was_whole).await?;
                migration.progress.advance(object.size);
                Ok(())
            });
        }
        while let Some(copied) = copying.join_next().await {
            copied??;
        }
        Ok(())
    }

    /// Has the target know of a video's tries and fillers what the source does.
    async fn attempts(&self, video: &VideoId) -> Result<(), Error> {
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

    /// Has the target count at least as many views of a video as the source does.
    async fn views(&self, video: &VideoId) -> Result<(), Error> {
        let (from, to) = (self.from.metadata.views(), self.to.metadata.views());
        let missing = from.get(video).await?.saturating_sub(to.get(video).await?);
        if missing > 0 {
            to.add(video, missing).await?;
        }
        Ok(())
    }

    async fn uploads(&self, uploads: &[UploadRow]) -> Result<(), Trouble> {
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
                return Err(Trouble::Diverged("its upload"));
            }
        }
        Ok(())
    }

    /// A deleted video may have been copied before, as a whole or in part.
    async fn sweep(&self, video: &VideoId, uploads: &[UploadRow]) -> Result<(), Error> {
        let objects = &*self.to.objects;
        delete_prefix(objects, &Prefix::Video(*video)).await?;
        for upload in uploads {
            delete_prefix(objects, &Prefix::Upload(upload.id)).await?;
        }
        self.to.metadata.views().remove(video).await?;
        self.to.metadata.tries().remove(video).await
    }
}

/// Whether a video was deleted in the target only: whatever came after, it stays so.
fn is_over(known: &VideoRow, row: &VideoRow) -> bool {
    known.state == State::Deleted && row.state != State::Deleted
}

/// Whose blocks a video is made of.
fn sources(row: &VideoRow, uploads: &[UploadRow]) -> BTreeSet<UploadId> {
    let parts = row.parts.iter().map(|part| part.upload);
    parts
        .chain(uploads.iter().map(|upload| upload.id))
        .collect()
}

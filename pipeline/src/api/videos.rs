//! Videos: their rows, plans and progress, and what people change.

use std::sync::Arc;

use plan::{CueList, LazyCodec, OwnerId, Plan, RenditionId, VideoId};
use store::metadata::{Page, PageRequest, VideoRow};

use crate::answers::Progress;
use crate::parts::Parts;
use crate::plans::codecs::{CodecError, CodecState};
use crate::plans::remake::{Remake, RemakeError};
use crate::plans::texts::SideCarError;
use crate::plans::{codecs, remake, texts};
use crate::videos::{delete, progress, start};

/// Videos: their rows, plans and progress, and what people change.
#[derive(Clone, Copy)]
pub struct Videos<'a> {
    pub(crate) parts: &'a Parts,
}

impl Videos<'_> {
    /// A video; nothing where there is none or it was deleted.
    pub async fn get(self, id: VideoId) -> Result<Option<VideoRow>, store::Error> {
        self.parts.records.living(id).await
    }

    /// Videos, newest first.
    pub async fn list(
        self,
        owner: Option<&OwnerId>,
        page: &PageRequest,
    ) -> Result<Page<VideoRow>, store::Error> {
        self.parts
            .records
            .stores
            .metadata
            .videos()
            .list(owner, page)
            .await
    }

    /// Deletes a video: a tombstone at once, the objects right after.
    pub async fn delete(self, id: VideoId) -> Result<(), store::Error> {
        delete::delete(&self.parts.janitor, id).await
    }

    /// Another try for a video that failed though its source is whole; tells whether there
    /// is one.
    pub async fn retry(self, id: VideoId) -> Result<bool, store::Error> {
        start::retry(&self.parts.starts, id).await
    }

    /// The current plan of a video; nothing before it is playable.
    pub async fn plan_of(self, row: &VideoRow) -> Result<Option<Arc<Plan>>, store::Error> {
        match &row.current_plan {
            Some(hash) => self.parts.planner.plans.load(row.id, hash).await.map(Some),
            None => Ok(None),
        }
    }

    /// The plan that lists a rendition, through every plan of the video.
    pub async fn plan_with(
        self,
        video: VideoId,
        rendition: RenditionId,
    ) -> Result<Option<Arc<Plan>>, store::Error> {
        self.parts.planner.plans.listing(video, rendition).await
    }

    /// How far a video is.
    pub async fn progress(self, row: &VideoRow) -> Result<Progress, store::Error> {
        progress::progress(
            &self.parts.planner.plans,
            &self.parts.planner.inventory,
            row,
        )
        .await
    }

    /// How far each picture and sound rendition of the current plan is.
    pub async fn rendition_progress(
        self,
        row: &VideoRow,
    ) -> Result<Vec<(RenditionId, Progress)>, store::Error> {
        progress::rendition_progress(
            &self.parts.planner.plans,
            &self.parts.planner.inventory,
            row,
        )
        .await
    }

    /// Puts the cues of a text file beside a video, under a normalised language tag and the label that menus show. They
    /// replace those that the video had in this language; the answer is whether it had none.
    pub async fn put_side_car(
        self,
        video: VideoId,
        language: &str,
        label: &str,
        list: &CueList,
    ) -> Result<bool, SideCarError> {
        texts::put_side_car(&self.parts.planner, video, language, label, list).await
    }

    /// Takes the text file of a language away from a video.
    pub async fn remove_side_car(self, video: VideoId, language: &str) -> Result<(), SideCarError> {
        texts::remove_side_car(&self.parts.planner, video, language).await
    }

    /// Whether a video is of the current generation, and what it would take to make it so; nothing before it is ready.
    pub async fn remake_of(self, row: &VideoRow) -> Result<Option<Remake>, store::Error> {
        remake::state(&self.parts.planner, row).await
    }

    /// Has a video made again that is not of the current generation. A remake that is under way goes on; one that failed is
    /// tried again.
    pub async fn remake(self, video: VideoId) -> Result<(), RemakeError> {
        remake::remake(&self.parts.planner, video).await
    }

    /// Has a video made in another codec too. One that is there or under way stays as it is; one that failed is tried again.
    pub async fn add_codec(self, video: VideoId, codec: LazyCodec) -> Result<(), CodecError> {
        codecs::add(&self.parts.planner, video, codec).await
    }

    /// How far each codec is that a video can get besides.
    pub async fn codecs(
        self,
        row: &VideoRow,
    ) -> Result<Vec<(LazyCodec, CodecState)>, store::Error> {
        codecs::states(&self.parts.planner, row).await
    }

    /// How often a video was played, as far as that is stored: counts of the last minute may be missing.
    pub async fn views(self, video: VideoId) -> Result<u64, store::Error> {
        self.parts.records.stores.metadata.views().get(&video).await
    }
}

//! A video's life: upload -> probe -> plan -> segments and stills -> ready.
//!
//! There is no table of jobs: what is left to do is the plan minus what is stored.

mod answers;
mod background;
mod cluster;
mod config;
mod encoding;
mod parts;
mod plans;
mod records;
mod tasks;
mod uploads;
mod videos;

use crate::encoding::demand;
use crate::encoding::stills;
use crate::plans::{codecs, remake, texts};
use crate::videos::delete;
use crate::videos::progress;
use crate::videos::start;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use plan::{
    CueList, LazyCodec, OwnerId, Plan, RenditionId, RenditionKey, SegmentKey, UploadId, VideoId,
};
use store::metadata::{Page, PageRequest, Priority, UploadRow, VideoRow};
use store::{ImageFormat, ObjectKey, Stores};
use transcoder::Engine;

pub use crate::answers::{Crew, Delivered, DemandError, Progress};
use crate::cluster::crew;
pub use crate::config::{Config, LAZY_AFTER_VIEWS};
pub use crate::encoding::seats::{Seat, Seats};
pub use crate::encoding::stills::THUMBNAIL_WIDTHS;
pub use crate::encoding::turns::{Network, Viewer};
use crate::parts::{Parts, Role};
pub use crate::plans::codecs::{CodecError, CodecState};
pub use crate::plans::remake::{Remake, RemakeError};
pub use crate::plans::texts::SideCarError;
pub use crate::uploads::blocks::BLOCK;
pub use crate::uploads::{UploadError, UploadPart, UploadWriter};
pub use crate::videos::purge::Purge;

/// The pipeline of one process; cheap to clone.
#[derive(Clone)]
pub struct Pipeline {
    parts: Arc<Parts>,
}

impl Pipeline {
    /// Starts to do everything, alone on its stores: picks up whatever was left unfinished.
    pub async fn start(
        stores: Stores,
        engine: Engine,
        config: Config,
    ) -> Result<Self, store::Error> {
        let parts = Arc::new(Parts::new(stores, Role::Alone(engine), config));
        start::recover(&parts.starts).await?;
        parts.run_alone();
        Ok(Self { parts })
    }

    /// An origin: takes uploads and serves viewers; workers make what is missing.
    pub fn origin(stores: Stores, config: Config) -> Self {
        let parts = Arc::new(Parts::new(stores, Role::Origin, config));
        parts.run_origin();
        Self { parts }
    }

    /// A worker: makes what origins ask for, and then everything else that is missing.
    pub fn worker(stores: Stores, engine: Engine, config: Config) -> Self {
        let id = stores.ids.worker();
        let parts = Arc::new(Parts::new(stores, Role::Worker(engine, id), config));
        parts.run_worker();
        Self { parts }
    }

    /// Takes nothing new and finishes what is in hand, for so long at most; to be stopped then.
    pub async fn drain(&self, within: Duration) {
        self.parts.drain(within).await;
    }

    /// Stops working: engines end, and what was in their hands is made after the next start.
    pub async fn stop(&self) {
        self.parts.stop().await;
    }

    /// The stores it works on.
    pub fn stores(&self) -> &Stores {
        &self.parts.records.stores
    }

    /// Whether a source of so many bytes, as far as that is known, would be taken now.
    ///
    /// # Errors
    /// Where it would not: there is no space, or it is too large.
    pub async fn admits(&self, declared_size: Option<u64>) -> Result<(), UploadError> {
        uploads::admit(&self.parts.uploads, declared_size).await
    }

    /// Begins a video; its source is written to the writer.
    pub async fn create_video(
        &self,
        owner: OwnerId,
        title: String,
        declared_size: Option<u64>,
        priority: Priority,
    ) -> Result<(VideoRow, UploadWriter), UploadError> {
        uploads::begin(&self.parts.uploads, owner, title, declared_size, priority).await
    }

    /// Where senders put blocks themselves, as `scheme://host:port`; nothing where they cannot.
    pub async fn direct_endpoint(&self) -> Result<Option<String>, store::Error> {
        uploads::endpoint(&self.parts.uploads).await
    }

    /// Begins a video whose sender puts its `size` bytes into the object store.
    pub async fn create_direct(
        &self,
        owner: OwnerId,
        title: String,
        size: u64,
        priority: Priority,
    ) -> Result<(VideoRow, UploadRow), UploadError> {
        uploads::begin_direct(&self.parts.uploads, owner, title, size, priority).await
    }

    /// The row of an upload; nothing where the janitor has given the upload up, though its row may not be removed yet.
    pub async fn upload(&self, id: UploadId) -> Result<Option<UploadRow>, store::Error> {
        let row = self
            .parts
            .records
            .stores
            .metadata
            .uploads()
            .get(&id)
            .await?;
        Ok(row.filter(|row| !row.given_up))
    }

    /// The parts of an upload from block `first` on, at most `count` of them, with the requests that put them.
    pub async fn parts(
        &self,
        row: &UploadRow,
        first: u32,
        count: u32,
    ) -> Result<Vec<UploadPart>, UploadError> {
        uploads::parts(&self.parts.uploads, row, first, count).await
    }

    /// Looks how much of an upload is stored without a gap.
    pub async fn sync(&self, row: &UploadRow) -> Result<UploadRow, UploadError> {
        uploads::sync(&self.parts.uploads, row).await
    }

    /// All of it was put: the video's life goes on.
    pub async fn complete(&self, row: &UploadRow) -> Result<VideoRow, UploadError> {
        uploads::complete(&self.parts.uploads, row).await
    }

    /// Begins a video whose source is [`Config::source_file`], read where it lies.
    pub async fn begin_in_place(
        &self,
        owner: OwnerId,
        title: String,
    ) -> Result<VideoRow, UploadError> {
        uploads::begin_in_place(&self.parts.uploads, owner, title).await
    }

    /// A video; nothing where there is none or it was deleted.
    pub async fn video(&self, id: VideoId) -> Result<Option<VideoRow>, store::Error> {
        self.parts.records.living(id).await
    }

    /// Videos, newest first.
    pub async fn list(
        &self,
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
    pub async fn delete(&self, id: VideoId) -> Result<(), store::Error> {
        delete::delete(&self.parts.janitor, id).await
    }

    /// Another try for a video that failed though its source is whole; tells whether there
    /// is one.
    pub async fn retry(&self, id: VideoId) -> Result<bool, store::Error> {
        start::retry(&self.parts.starts, id).await
    }

    /// The current plan of a video; nothing before it is playable.
    pub async fn plan_of(&self, row: &VideoRow) -> Result<Option<Arc<Plan>>, store::Error> {
        match &row.current_plan {
            Some(hash) => self.parts.planner.plans.load(row.id, hash).await.map(Some),
            None => Ok(None),
        }
    }

    /// The plan that lists a rendition, through every plan of the video.
    pub async fn rendition(
        &self,
        video: VideoId,
        rendition: RenditionId,
    ) -> Result<Option<Arc<Plan>>, store::Error> {
        self.parts.planner.plans.listing(video, rendition).await
    }

    /// How many workers there are and are wanted; nothing where this process does it all.
    pub async fn crew(&self) -> Result<Option<Crew>, store::Error> {
        match &self.parts.remote {
            Some(remote) => crew::crew(&self.parts.planner, remote).await.map(Some),
            None => Ok(None),
        }
    }

    /// How far a video is.
    pub async fn progress(&self, row: &VideoRow) -> Result<Progress, store::Error> {
        progress::progress(
            &self.parts.planner.plans,
            &self.parts.planner.inventory,
            row,
        )
        .await
    }

    /// How far each picture and sound rendition of the current plan is.
    pub async fn rendition_progress(
        &self,
        row: &VideoRow,
    ) -> Result<Vec<(RenditionId, Progress)>, store::Error> {
        progress::rendition_progress(
            &self.parts.planner.plans,
            &self.parts.planner.inventory,
            row,
        )
        .await
    }

    /// This segment was handed out: the viewer's window goes on from here. For what was served
    /// without asking us.
    pub fn handed_out(&self, key: SegmentKey, viewer: &Viewer) {
        demand::handed_out(&self.parts.demand, key, viewer);
    }

    /// A player will ask for this segment next: CMCD's `nor`.
    pub fn is_next(&self, key: SegmentKey, viewer: &Viewer) {
        demand::is_next(&self.parts.demand, key, viewer);
    }

    /// A player fetched the rendition's playlist: it is about to go on in it.
    pub fn is_chosen(&self, key: RenditionKey, viewer: &Viewer) {
        demand::is_chosen(&self.parts.demand, key, viewer);
    }

    /// A segment: stored, or made now; waits at most `demand_wait`.
    pub async fn segment(&self, key: SegmentKey, viewer: Viewer) -> Result<Delivered, DemandError> {
        demand::segment(&self.parts.demand, key, viewer).await
    }

    /// An init segment.
    pub async fn init(&self, key: RenditionKey) -> Result<Bytes, DemandError> {
        self.parts.records.stored(&ObjectKey::Init(key)).await
    }

    /// A poster.
    pub async fn poster(&self, video: VideoId, format: ImageFormat) -> Result<Bytes, DemandError> {
        self.parts
            .records
            .stored(&ObjectKey::Poster(video, format))
            .await
    }

    /// The cues of a text rendition.
    pub async fn cues(&self, key: RenditionKey) -> Result<CueList, DemandError> {
        let json = self.parts.records.stored(&ObjectKey::Cues(key)).await?;
        let list = serde_json::from_slice(&json);
        list.map_err(|error| store::Error::corrupt(error.to_string()).into())
    }

    /// A storyboard sheet: stored, or made now.
    pub async fn sheet(&self, key: SegmentKey, viewer: &Viewer) -> Result<Bytes, DemandError> {
        stills::sheet(&self.parts.stills, key, viewer).await
    }

    /// The picture at a whole second, in one of [`THUMBNAIL_WIDTHS`]; made when first asked for.
    pub async fn thumbnail(
        &self,
        video: VideoId,
        width: u32,
        second: u32,
        viewer: &Viewer,
    ) -> Result<Bytes, DemandError> {
        stills::thumbnail(&self.parts.stills, video, (width, second), viewer).await
    }

    /// Puts the cues of a text file beside a video, under a normalised language tag and the label that menus show. They
    /// replace those that the video had in this language; the answer is whether it had none.
    pub async fn put_side_car(
        &self,
        video: VideoId,
        language: &str,
        label: &str,
        list: &CueList,
    ) -> Result<bool, SideCarError> {
        texts::put_side_car(&self.parts.planner, video, language, label, list).await
    }

    /// Takes the text file of a language away from a video.
    pub async fn remove_side_car(
        &self,
        video: VideoId,
        language: &str,
    ) -> Result<(), SideCarError> {
        texts::remove_side_car(&self.parts.planner, video, language).await
    }

    /// Somebody watches a video by this plan. Where the video was ready before its text was ever extracted, or its sound is
    /// to be levelled and was never measured, that is done now: the video counts as unfinished until its plan lists both.
    pub fn is_watched(&self, row: &VideoRow, plan: &Plan) {
        let planner = &self.parts.planner;
        if texts::lacks_what_viewers_need(planner, row, plan) {
            let (planner, row) = (planner.clone(), row.clone());
            let reopening = async move { texts::reopen(&planner, &row).await };
            self.parts.tasks.spawn(reopening);
        }
    }

    /// Whether a video is of the current generation, and what it would take to make it so; nothing before it is ready.
    pub async fn remake_of(&self, row: &VideoRow) -> Result<Option<Remake>, store::Error> {
        remake::state(&self.parts.planner, row).await
    }

    /// Has a video made again that is not of the current generation. A remake that is under way goes on; one that failed is
    /// tried again.
    pub async fn remake(&self, video: VideoId) -> Result<(), RemakeError> {
        remake::remake(&self.parts.planner, video).await
    }

    /// Has a video made in another codec too. One that is there or under way stays as it is; one that failed is tried again.
    pub async fn add_codec(&self, video: VideoId, codec: LazyCodec) -> Result<(), CodecError> {
        codecs::add(&self.parts.planner, video, codec).await
    }

    /// How far each codec is that a video can get besides.
    pub async fn codecs(
        &self,
        row: &VideoRow,
    ) -> Result<Vec<(LazyCodec, CodecState)>, store::Error> {
        codecs::states(&self.parts.planner, row).await
    }

    /// A viewer has got media of a video.
    pub fn is_viewed(&self, video: VideoId, viewer: &Viewer) {
        let now = self.parts.records.stores.clock.now();
        self.parts.views.note(video, viewer, now);
    }

    /// How often a video was played, as far as that is stored: counts of the last minute may be missing.
    pub async fn views(&self, video: VideoId) -> Result<u64, store::Error> {
        self.parts.records.stores.metadata.views().get(&video).await
    }
}

/// Ends an upload that was cut off, in the row of its video, as the next start would; says whether
/// there is one.
pub fn lose_upload(row: &mut VideoRow) -> bool {
    uploads::lost(row, plan::Code::UploadLost)
}

//! Playback: what players ask for, and what they say of themselves.

use bytes::Bytes;
use plan::{CueList, Plan, RenditionKey, SegmentKey, VideoId};
use store::metadata::VideoRow;
use store::{ImageFormat, ObjectKey};

use crate::answers::{Delivered, DemandError};
use crate::encoding::demand;
use crate::encoding::stills;
use crate::encoding::turns::Viewer;
use crate::parts::Parts;
use crate::plans::texts;

/// Playback: what players ask for, and what they say of themselves.
#[derive(Clone, Copy)]
pub struct Playback<'a> {
    pub(crate) parts: &'a Parts,
}

impl Playback<'_> {
    /// Notes that a viewer got this segment from a cache of the caller: the video's watch window continues after it.
    pub fn note_served(self, key: SegmentKey, viewer: &Viewer) {
        demand::handed_out(&self.parts.demand, key, viewer);
    }

    /// A player will ask for this segment next: CMCD's `nor`.
    pub fn note_next(self, key: SegmentKey, viewer: &Viewer) {
        demand::is_next(&self.parts.demand, key, viewer);
    }

    /// A player fetched the rendition's playlist: it is about to go on in it.
    pub fn note_chosen(self, key: RenditionKey, viewer: &Viewer) {
        demand::is_chosen(&self.parts.demand, key, viewer);
    }

    /// Returns a segment from the store, or has it made; the request waits at most `Config::demand_wait`.
    pub async fn segment(self, key: SegmentKey, viewer: Viewer) -> Result<Delivered, DemandError> {
        demand::segment(&self.parts.demand, key, viewer).await
    }

    /// An init segment.
    pub async fn init(self, key: RenditionKey) -> Result<Bytes, DemandError> {
        self.parts.records.stored(&ObjectKey::Init(key)).await
    }

    /// A poster.
    pub async fn poster(self, video: VideoId, format: ImageFormat) -> Result<Bytes, DemandError> {
        self.parts
            .records
            .stored(&ObjectKey::Poster(video, format))
            .await
    }

    /// The cues of a text rendition.
    pub async fn cues(self, key: RenditionKey) -> Result<CueList, DemandError> {
        let json = self.parts.records.stored(&ObjectKey::Cues(key)).await?;
        let list = serde_json::from_slice(&json);
        list.map_err(|error| store::Error::corrupt(error.to_string()).into())
    }

    /// A storyboard sheet: stored, or made now.
    pub async fn sheet(self, key: SegmentKey, viewer: &Viewer) -> Result<Bytes, DemandError> {
        stills::sheet(&self.parts.stills, key, viewer).await
    }

    /// The picture at a whole second, in one of [`THUMBNAIL_WIDTHS`]; made when first asked for.
    pub async fn thumbnail(
        self,
        video: VideoId,
        width: u32,
        second: u32,
        viewer: &Viewer,
    ) -> Result<Bytes, DemandError> {
        stills::thumbnail(&self.parts.stills, video, (width, second), viewer).await
    }

    /// Somebody watches a video by this plan. Where the video was ready before its text was ever extracted, or its sound is
    /// to be levelled and was never measured, that is done now: the video counts as unfinished until its plan lists both.
    pub fn note_watched(self, row: &VideoRow, plan: &Plan) {
        let planner = &self.parts.planner;
        if texts::lacks_what_viewers_need(planner, row, plan) {
            let (planner, row) = (planner.clone(), row.clone());
            let reopening = async move { texts::reopen(&planner, &row).await };
            self.parts.tasks.spawn(reopening);
        }
    }

    /// A viewer has got media of a video.
    pub fn record_view(self, video: VideoId, viewer: &Viewer) {
        let now = self.parts.records.stores.clock.now();
        self.parts.views.note(video, viewer, now);
    }
}

//! What is stored of a video: a bitmap per rendition, from a listing, kept by what is published.

use std::collections::{HashMap, HashSet};

use futures::TryStreamExt;
use plan::{Plan, RenditionId, VideoId};
use store::metadata::{State, VideoRow};
use store::{ObjectKey, Prefix};

use crate::Progress;
use crate::inner::Inner;

/// Segments that are stored, and bytes of each rendition where a listing told them.
#[derive(Clone, Debug, Default)]
pub(crate) struct MadeSet {
    segments: HashMap<RenditionId, HashSet<u32>>,
    pub(crate) bytes: HashMap<RenditionId, u64>,
    pub(crate) poster: bool,
    pub(crate) total_bytes: u64,
}

impl MadeSet {
    pub(crate) fn insert(&mut self, rendition: RenditionId, segment: u32) {
        self.segments.entry(rendition).or_default().insert(segment);
    }

    pub(crate) fn has(&self, rendition: RenditionId, segment: u32) -> bool {
        self.segments
            .get(&rendition)
            .is_some_and(|segments| segments.contains(&segment))
    }

    fn count(&self, rendition: RenditionId) -> u64 {
        self.segments
            .get(&rendition)
            .map_or(0, |segments| segments.len() as u64)
    }
}

/// Lists what is stored of a video.
pub(crate) async fn list(inner: &Inner, video: VideoId) -> Result<MadeSet, store::Error> {
    let mut made = MadeSet::default();
    let mut listing = inner.stores.objects.list(&Prefix::Video(video)).await?;
    while let Some(listed) = listing.try_next().await? {
        made.total_bytes += listed.size;
        match listed.key {
            ObjectKey::Segment(key) => {
                made.insert(key.rendition, key.index);
                *made.bytes.entry(key.rendition).or_default() += listed.size;
            }
            ObjectKey::Poster(..) => made.poster = true,
            _ => {}
        }
    }
    Ok(made)
}

/// What is stored of a video, listed once and kept up to date from then on.
pub(crate) async fn known(inner: &Inner, video: VideoId) -> Result<MadeSet, store::Error> {
    if let Some(made) = inner.made.lock().get(&video) {
        return Ok(made.clone());
    }
    let listed = list(inner, video).await?;
    Ok(inner.made.lock().entry(video).or_insert(listed).clone())
}

/// How far a video is: its media segments.
pub(crate) async fn progress(inner: &Inner, row: &VideoRow) -> Result<Progress, store::Error> {
    let Some(hash) = &row.current_plan else {
        return Ok(Progress::default());
    };
    let plan = crate::plans::load(inner, row.id, hash).await?;
    let total = total(&plan);
    if row.state == State::Ready {
        return Ok(Progress { made: total, total });
    }
    let known = known(inner, row.id).await?;
    let made = plan.media_ids().map(|id| known.count(id)).sum();
    Ok(Progress { made, total })
}

fn total(plan: &Plan) -> u64 {
    plan.media_ids().count() as u64 * u64::from(plan.segments())
}

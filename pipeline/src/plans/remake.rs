//! Remake: a video whose renditions are of an older generation is made again from its source. The new renditions are
//! made when nothing else is to be made, and replace the old ones once all of them are there. Until then players get
//! the old ones.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use futures::TryStreamExt;
use plan::{Plan, RenditionId, RenditionName, VideoId};
use store::metadata::{State, VideoRow};
use store::{ObjectKey, Prefix};

use crate::answers::Progress;
use crate::plans::planner::Planner;
use crate::plans::successor::{Successor, succeed};
use crate::uploads::blocks::BLOCK;
use crate::videos::inventory::VideoInventory;

/// Reason why a video is not made again.
#[derive(Debug, thiserror::Error)]
pub enum RemakeError {
    /// The video is not ready yet; what is still to be made will be of the current generation anyway.
    #[error("the video is not ready yet")]
    NotReady,
    /// The video failed and cannot be watched.
    #[error("the video failed")]
    Failed,
    /// The video's source was not kept, or a part of it is missing.
    #[error("the video's source is not there any more")]
    SourceGone,
    /// There is no such video.
    #[error("no such video")]
    NotFound,
    /// The store did not answer.
    #[error("the store did not answer: {0}")]
    Store(store::Error),
}

impl From<store::Error> for RemakeError {
    fn from(error: store::Error) -> Self {
        match error {
            store::Error::NotFound => Self::NotFound,
            error => Self::Store(error),
        }
    }
}

/// State of a video's remake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Remake {
    /// The video is of the current generation.
    Current,
    /// The video, or a part of it, is of an older generation.
    Older {
        /// Bytes that a remake will take, estimated by the size of the renditions that it replaces; both are stored
        /// until the old ones are deleted.
        bytes: u64,
    },
    /// The video is being made again.
    Pending {
        /// Bytes that the remake will take, estimated by the size of the renditions that it replaces.
        bytes: u64,
        /// Progress of the remake.
        progress: Progress,
    },
    /// A part of the video could not be made again, so the video stays as it was.
    Failed {
        /// Bytes that another try will take, estimated by the size of the renditions that it replaces.
        bytes: u64,
    },
}

/// State of a video's remake; `None` before the video is ready.
pub(crate) async fn state(
    planner: &Planner,
    row: &VideoRow,
) -> Result<Option<Remake>, store::Error> {
    let plan = match (&row.current_plan, row.state) {
        (Some(hash), State::Ready) => planner.plans.load(row.id, hash).await?,
        _ => return Ok(None),
    };
    of(planner, row, &plan).await.map(Some)
}

async fn of(planner: &Planner, row: &VideoRow, plan: &Plan) -> Result<Remake, store::Error> {
    let older = plan.older();
    if older.is_empty() {
        return Ok(Remake::Current);
    }
    let inventory = planner.inventory.known(row.id).await?;
    let bytes = older.iter().map(|id| inventory.bytes(*id)).sum();
    let coming = plan.coming_ids();
    Ok(match (coming.is_empty(), row.is_in_the_making()) {
        (true, _) => Remake::Older { bytes },
        (false, false) => Remake::Failed { bytes },
        (false, true) => {
            let total = u64::from(plan.segments()) * coming.len() as u64;
            let made = coming.iter().map(|id| inventory.count(*id)).sum();
            let progress = Progress { made, total };
            Remake::Pending { bytes, progress }
        }
    })
}

/// Begins a remake of a video, or tries a failed one again.
pub(crate) async fn remake(planner: &Planner, video: VideoId) -> Result<(), RemakeError> {
    let row = planner
        .records
        .living(video)
        .await?
        .ok_or(RemakeError::NotFound)?;
    match row.state {
        State::Ready => {}
        State::Failed => return Err(RemakeError::Failed),
        State::Deleted => return Err(RemakeError::NotFound),
        State::Waiting | State::Probing | State::Playable => return Err(RemakeError::NotReady),
    }
    let Some(hash) = &row.current_plan else {
        return Err(RemakeError::NotReady);
    };
    let plan = planner.plans.load(video, hash).await?;
    if plan.older().is_empty() {
        return Ok(());
    }
    if !has_source(planner, &row).await? {
        return Err(RemakeError::SourceGone);
    }
    let policy = &planner.config.policy;
    let is_open = |row: &VideoRow| row.state == State::Ready;
    // Renditions with fillers are tried again; renditions without fillers are kept.
    let fillers = planner
        .records
        .stores
        .metadata
        .tries()
        .fillers(&video)
        .await?;
    let is_over = !row.is_in_the_making();
    let coming = |current: &Plan| {
        let again = || match is_over {
            true => current.with_begun_anew(&spoiled(current, &fillers), policy),
            false => None,
        };
        let cues = Vec::new();
        let plan = current.remade(policy).or_else(again);
        plan.map(|plan| Successor { plan, cues })
    };
    let row = succeed(&planner.plans, video, is_open, coming, &[]).await?;
    if !row.is_in_the_making() {
        planner
            .records
            .stores
            .metadata
            .tries()
            .clear(&video)
            .await?;
        let reopen = |row: &mut VideoRow| {
            let is_over = is_open(row) && !row.is_in_the_making();
            if is_over {
                row.whole_plan = None;
            }
            is_over
        };
        planner.records.change(video, reopen).await?;
    }
    tracing::info!(%video, "the video is made again");
    planner.records.backlog_changed.notify_one();
    Ok(())
}

/// Whether all blocks of a source are stored, or the source file is read in place.
async fn has_source(planner: &Planner, row: &VideoRow) -> Result<bool, store::Error> {
    if row.parts.is_empty() {
        return Ok(planner.config.source_file.is_some());
    }
    for part in &row.parts {
        let mut stored = BTreeMap::new();
        let upload = Prefix::Upload(part.upload);
        let mut blocks = planner.records.stores.objects.list(&upload).await?;
        while let Some(block) = blocks.try_next().await? {
            if let ObjectKey::SourceBlock { index, .. } = block.key {
                stored.insert(u64::from(index), block.size);
            }
        }
        let size = |index: u64| (part.bytes - index * BLOCK).min(BLOCK);
        let mut wanted = 0..part.bytes.div_ceil(BLOCK);
        if !wanted.all(|index| stored.get(&index) == Some(&size(index))) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Puts the new renditions of a finished remake in the place of the old ones. If the new ones have fillers that the old
/// ones do not have, the video stays as it is. Returns whether there was a finished remake.
pub(crate) async fn finish(
    planner: &Planner,
    row: &VideoRow,
    plan: &Plan,
    inventory: &VideoInventory,
) -> Result<bool, store::Error> {
    let Some(coming) = &plan.coming else {
        return Ok(false);
    };
    let (ids, segments) = (plan.coming_ids(), u64::from(plan.segments()));
    let is_whole = |id: &RenditionId| inventory.has_init(*id) && inventory.count(*id) >= segments;
    if !ids.iter().all(is_whole) {
        return Ok(false);
    }
    let is_open = |row: &VideoRow| row.state == State::Ready;
    let fillers = planner
        .records
        .stores
        .metadata
        .tries()
        .fillers(&row.id)
        .await?;
    if lacks_more(plan, &fillers) {
        tracing::warn!(video = %row.id, "the remake has fillers where the video has none; the video stays as it is");
        let looked_at = row.current_plan.clone();
        let over = |row: &mut VideoRow| {
            let is_same = is_open(row) && row.current_plan == looked_at;
            if is_same {
                row.whole_plan.clone_from(&row.current_plan);
            }
            is_same
        };
        planner.records.change(row.id, over).await?;
        return Ok(true);
    }
    let next = |current: &Plan| {
        let is_same = current.coming.as_ref() == Some(coming);
        let plan = current.with_coming_in_place().filter(|_| is_same)?;
        let cues = Vec::new();
        Some(Successor { plan, cues })
    };
    succeed(&planner.plans, row.id, is_open, next, &[]).await?;
    tracing::info!(video = %row.id, "the remake is whole and replaces the old renditions");
    Ok(true)
}

/// New renditions of a remake that have fillers.
fn spoiled(plan: &Plan, fillers: &BTreeSet<(RenditionId, u32)>) -> Vec<RenditionId> {
    let is_filled = |id: &RenditionId| fillers.iter().any(|(filled, _)| filled == id);
    plan.coming_ids().into_iter().filter(is_filled).collect()
}

/// Whether the new renditions of a remake have fillers where the old ones have none.
fn lacks_more(plan: &Plan, fillers: &BTreeSet<(RenditionId, u32)>) -> bool {
    let coming: HashSet<RenditionId> = plan.coming_ids().into_iter().collect();
    let own: HashSet<RenditionId> = plan
        .every_media()
        .filter(|id| !coming.contains(id))
        .collect();
    let of = |ids: HashSet<RenditionId>| {
        let fillers = fillers.iter().filter(move |(id, _)| ids.contains(id));
        fillers.map(|&(id, segment)| (id.name(), segment))
    };
    let known: HashSet<(RenditionName, u32)> = of(own).collect();
    of(coming).any(|filler| !known.contains(&filler))
}

//! Lazy codecs of a video: the plan gets the renditions in another codec, the background makes them after everything
//! else, and manifests list them once they are whole.

use plan::{LazyCodec, Plan, VideoId};
use store::metadata::{State, VideoRow};

use crate::answers::Progress;
use crate::plans::planner::Planner;
use crate::plans::successor::{Successor, succeed};

/// Reason why a video does not get a codec.
#[derive(Debug, thiserror::Error)]
pub enum CodecError {
    /// The video has no plan yet.
    #[error("the video is not planned yet")]
    NotPlanned,
    /// The video failed and cannot be watched.
    #[error("the video failed")]
    Failed,
    /// The video has sound only.
    #[error("the video has no picture")]
    NoPicture,
    /// There is no such video.
    #[error("no such video")]
    NotFound,
    /// The store did not answer.
    #[error("the store did not answer: {0}")]
    Store(store::Error),
}

impl From<store::Error> for CodecError {
    fn from(error: store::Error) -> Self {
        match error {
            store::Error::NotFound => Self::NotFound,
            error => Self::Store(error),
        }
    }
}

/// Progress of a video in a lazy codec.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CodecState {
    /// Nobody asked for the codec.
    Absent,
    /// The codec is made when nothing else is to be made.
    Pending(Progress),
    /// The codec could not be made, or not all of it.
    Failed,
    /// The codec is whole, and players can choose it.
    Listed,
}

/// Progress of a video in each lazy codec.
pub(crate) async fn states(
    planner: &Planner,
    row: &VideoRow,
) -> Result<Vec<(LazyCodec, CodecState)>, store::Error> {
    let plan = match &row.current_plan {
        Some(hash) => Some(planner.plans.load(row.id, hash).await?),
        None => None,
    };
    let mut states = Vec::new();
    for codec in LazyCodec::ALL {
        let state = match &plan {
            Some(plan) => state(planner, row, plan, codec).await?,
            None => CodecState::Absent,
        };
        states.push((codec, state));
    }
    Ok(states)
}

async fn state(
    planner: &Planner,
    row: &VideoRow,
    plan: &Plan,
    codec: LazyCodec,
) -> Result<CodecState, store::Error> {
    let Some(lazy) = plan.lazy_in(codec) else {
        return Ok(CodecState::Absent);
    };
    if lazy.ids().all(|id| row.average_bandwidth.contains_key(&id)) {
        return Ok(CodecState::Listed);
    }
    if row.state == State::Ready && !row.is_in_the_making() {
        return Ok(CodecState::Failed);
    }
    let inventory = planner.inventory.known(row.id).await?;
    Ok(CodecState::Pending(Progress {
        made: lazy.ids().map(|id| inventory.count(id)).sum(),
        total: u64::from(plan.segments()) * lazy.ids().count() as u64,
    }))
}

/// Adds a codec to a video's plan. Nothing changes where the plan lists the codec already, whatever its progress.
pub(crate) async fn list(
    planner: &Planner,
    video: VideoId,
    codec: LazyCodec,
) -> Result<VideoRow, CodecError> {
    let is_open = |row: &VideoRow| matches!(row.state, State::Playable | State::Ready);
    let mut has_picture = true;
    let more = |current: &Plan| {
        has_picture = !current.video.is_empty();
        current.with_codec(codec).map(|plan| Successor {
            plan,
            cues: Vec::new(),
        })
    };
    let row = succeed(&planner.plans, video, is_open, more, &[]).await?;
    match row.state {
        State::Playable | State::Ready if has_picture => Ok(row),
        State::Playable | State::Ready => Err(CodecError::NoPicture),
        State::Waiting | State::Probing => Err(CodecError::NotPlanned),
        State::Failed => Err(CodecError::Failed),
        State::Deleted => Err(CodecError::NotFound),
    }
}

/// Has a video made in a codec too; a codec that failed is tried again.
pub(crate) async fn add(
    planner: &Planner,
    video: VideoId,
    codec: LazyCodec,
) -> Result<(), CodecError> {
    let row = list(planner, video, codec).await?;
    let Some(hash) = row.current_plan.clone() else {
        return Ok(());
    };
    let plan = planner.plans.load(video, &hash).await?;
    if state(planner, &row, &plan, codec).await? == CodecState::Failed {
        let reopen = |row: &mut VideoRow| {
            let is_same = row.state == State::Ready && row.current_plan.as_ref() == Some(&hash);
            if is_same {
                row.whole_plan = None;
            }
            is_same
        };
        planner
            .records
            .stores
            .metadata
            .tries()
            .clear(&video)
            .await?;
        planner.records.change(video, reopen).await?;
    }
    Ok(())
}

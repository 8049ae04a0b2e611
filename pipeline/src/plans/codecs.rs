//! A video gets another codec: its plan gets the renditions, the background makes them after
//! everything else, and manifests list them once they are whole.

use plan::{LazyCodec, Plan, VideoId};
use store::metadata::{State, VideoRow};

use crate::answers::Progress;
use crate::plans::planner::Planner;
use crate::plans::successor::{Successor, succeed};

/// Why a video does not get a codec.
#[derive(Debug, thiserror::Error)]
pub enum CodecError {
    /// It has no plan yet.
    #[error("the video is not planned yet")]
    NotPlanned,
    /// It is not to be watched.
    #[error("the video failed")]
    Failed,
    /// It is sound alone.
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

/// How far a video is in a lazy codec.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CodecState {
    /// Nobody asked for it.
    Absent,
    /// It is made when nothing else is to be.
    Pending(Progress),
    /// It could not be made, or not all of it.
    Failed,
    /// Players can choose it.
    Listed,
}

/// How far each lazy codec of a video is.
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
    let known = planner.inventory.known(row.id).await?;
    Ok(CodecState::Pending(Progress {
        made: lazy.ids().map(|id| known.count(id)).sum(),
        total: u64::from(plan.segments()) * lazy.ids().count() as u64,
    }))
}

/// Has a video's plan list a codec. Nothing changes where it does already, however far that has come.
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

/// Has a video made in a codec too.
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

//! The loudness of a video: measured once and kept in its plan. With the setting `loudness_lufs` that plan has levelled
//! sound, with a gain, in place of the sound before.

use std::sync::Arc;

use plan::{Code, Loudness, Note, Plan, RenditionId, VideoId};
use store::metadata::{State, VideoRow};

use crate::encoding::session::{EncodingSession, SessionError};
use crate::plans::new_encoder;
use crate::plans::planner::Planner;
use crate::plans::successor::{Successor, succeed};

/// Failures to measure the loudness after which the video goes without it.
const TRIES: u32 = 3;

/// Measures the loudness of a video, and makes the plan that has it the current one.
pub(crate) async fn make_needed(
    planner: &Planner,
    session: &mut EncodingSession,
    plan: &Arc<Plan>,
) -> Result<(), SessionError> {
    let measured = session.measure_loudness().await?;
    let next = Arc::new(with_measured(planner, plan, &measured));
    let mut foreign = Vec::new();
    if next.audio != plan.audio {
        session.set_plan(&next).await;
        let fresh: Vec<RenditionId> = next.media_ids().filter(|id| !plan.lists(*id)).collect();
        foreign = session.make_inits(&fresh).await?;
    }
    add_loudness(planner, session.video(), &measured, None).await?;
    new_encoder::begin_anew(planner, session, &next, &foreign).await
}

/// Levels the sound of a new plan if the operator wants that and the measurement takes almost no time; returns the plan
/// unchanged otherwise. After a failure the sound is not measured again here: the start of a video does not depend on
/// its loudness.
pub(crate) async fn level_at_once(
    planner: &Planner,
    session: &mut EncodingSession,
    plan: Plan,
) -> Result<Plan, SessionError> {
    let video = session.video();
    let has_failed = planner.loudness_faults.lock().contains_key(&video);
    if !is_to_level(planner, &plan) || !plan.is_measured_in_no_time() || has_failed {
        return Ok(plan);
    }
    session.set_plan(&Arc::new(plan.clone())).await;
    match session.measure_loudness().await {
        Ok(measured) => Ok(with_measured(planner, &plan, &measured)),
        // If the engine is gone, the next order fails too and reports it.
        Err(SessionError::Fault(_) | SessionError::Unexplained) => {
            *planner.loudness_faults.lock().entry(video).or_default() += 1;
            Ok(plan)
        }
        Err(error) => Err(error),
    }
}

/// Whether the sound of a plan is to get a gain that is not known yet.
pub(crate) fn is_to_level(planner: &Planner, plan: &Plan) -> bool {
    planner.config.policy.loudness_lufs.is_some() && plan.lacks_loudness()
}

/// Counts a failure of the engine at the loudness; after the last try the video goes without it, and a note says so.
pub(crate) async fn record_failure(
    planner: &Planner,
    video: VideoId,
    code: Code,
) -> Result<(), store::Error> {
    let faults = {
        let mut faults = planner.loudness_faults.lock();
        let faults = faults.entry(video).or_default();
        *faults += 1;
        *faults
    };
    if faults < TRIES {
        return Ok(());
    }
    let note = Note {
        track: None,
        code,
        message: "The loudness could not be measured.".to_owned(),
        span_us: None,
    };
    add_loudness(planner, video, &[], Some(note)).await
}

fn with_measured(planner: &Planner, plan: &Plan, measured: &[Loudness]) -> Plan {
    plan.with_loudness(measured, planner.config.policy.loudness_lufs)
}

/// Adds the measured loudness to the current plan, one value for each sound rendition.
async fn add_loudness(
    planner: &Planner,
    video: VideoId,
    measured: &[Loudness],
    note: Option<Note>,
) -> Result<(), store::Error> {
    let listing = |current: &Plan| {
        // Otherwise another process has measured the loudness already.
        current.lacks_loudness().then(|| Successor {
            plan: with_measured(planner, current, measured),
            cues: Vec::new(),
        })
    };
    let is_living = |row: &VideoRow| row.state != State::Deleted;
    succeed(&planner.plans, video, is_living, listing, note.as_slice()).await?;
    planner.loudness_faults.lock().remove(&video);
    Ok(())
}

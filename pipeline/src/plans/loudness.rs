//! The loudness of a video: measured once, kept in its plan. Where the operator wants it so, that
//! plan has sound with a gain in place of the sound that was.

use std::sync::Arc;

use plan::{Code, Loudness, Note, Plan, RenditionId, VideoId};
use store::metadata::{State, VideoRow};

use crate::encoding::session::{EncodingSession, SessionError};
use crate::plans::new_encoder;
use crate::plans::planner::Planner;
use crate::plans::successor::{Successor, succeed};

/// Faults at it before the video goes without.
const TRIES: u32 = 3;

/// Measures it.
pub(crate) async fn needed(
    planner: &Planner,
    run: &mut EncodingSession,
    plan: &Arc<Plan>,
) -> Result<(), SessionError> {
    let measured = run.loudness().await?;
    let next = Arc::new(with(planner, plan, &measured));
    let mut foreign = Vec::new();
    if next.audio != plan.audio {
        run.plan(&next).await;
        let fresh: Vec<RenditionId> = next.media_ids().filter(|id| !plan.lists(*id)).collect();
        foreign = run.inits(&fresh).await?;
    }
    levelled(planner, run.video(), &measured, None).await?;
    new_encoder::begin(planner, run, &next, &foreign).await
}

/// The plan with its sound levelled where that is wanted and known in no time; as it is where it
/// is not. Not after a fault: the start of a video does not hang on its loudness.
pub(crate) async fn at_once(
    planner: &Planner,
    run: &mut EncodingSession,
    plan: Plan,
) -> Result<Plan, SessionError> {
    let video = run.video();
    let has_failed = planner.loudness_faults.lock().contains_key(&video);
    if !is_to_level(planner, &plan) || !plan.is_measured_in_no_time() || has_failed {
        return Ok(plan);
    }
    run.plan(&Arc::new(plan.clone())).await;
    match run.loudness().await {
        Ok(measured) => Ok(with(planner, &plan, &measured)),
        // An engine that is gone is noticed by the next order.
        Err(SessionError::Fault(_) | SessionError::Unexplained) => {
            *planner.loudness_faults.lock().entry(video).or_default() += 1;
            Ok(plan)
        }
        Err(error) => Err(error),
    }
}

/// Whether its sound is to get a gain that is not known yet.
pub(crate) fn is_to_level(planner: &Planner, plan: &Plan) -> bool {
    planner.config.policy.loudness_lufs.is_some() && plan.lacks_loudness()
}

/// The engine failed at it by its own doing.
pub(crate) async fn failed(
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
    levelled(planner, video, &[], Some(note)).await
}

fn with(planner: &Planner, plan: &Plan, measured: &[Loudness]) -> Plan {
    plan.with_loudness(measured, planner.config.policy.loudness_lufs)
}

/// The current plan gets what was measured, one for each of its sound renditions.
async fn levelled(
    planner: &Planner,
    video: VideoId,
    measured: &[Loudness],
    note: Option<Note>,
) -> Result<(), store::Error> {
    let listing = |current: &Plan| {
        // Otherwise somebody else was faster.
        current.lacks_loudness().then(|| Successor {
            plan: with(planner, current, measured),
            cues: Vec::new(),
        })
    };
    let is_living = |row: &VideoRow| row.state != State::Deleted;
    succeed(&planner.plans, video, is_living, listing, note.as_slice()).await?;
    planner.loudness_faults.lock().remove(&video);
    Ok(())
}

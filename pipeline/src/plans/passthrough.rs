//! A source's own pictures turn out to be other than its index says: the rung is encoded like the
//! others, between the same boundaries.

use std::sync::Arc;

use plan::{Plan, RenditionId};
use store::metadata::{State, VideoRow};

use crate::encoding::session::{EncodingSession, SessionError};
use crate::plans::new_encoder;
use crate::plans::planner::Planner;
use crate::plans::successor::{Successor, succeed};

/// Whether a rendition is made of the source's own pictures.
pub(crate) fn is_passed_through(plan: &Plan, rendition: RenditionId) -> bool {
    let passed = plan.passed_through();
    passed.is_some_and(|rung| rung.id == rendition)
}

/// Makes a plan without it the current one. Who plays it goes on, with a key frame held in the
/// segment that could not be made; who comes later has the rung encoded.
pub(crate) async fn give_up(
    planner: &Planner,
    run: &mut EncodingSession,
    plan: &Arc<Plan>,
    rendition: RenditionId,
    segment: u32,
) -> Result<(), SessionError> {
    let policy = &planner.config.policy;
    let next = plan.with_all_encoded(policy).map(Arc::new);
    let mut foreign = Vec::new();
    if let Some(next) = &next {
        let fresh = next.media_ids().filter(|id| !plan.lists(*id));
        let fresh: Vec<RenditionId> = fresh.collect();
        run.plan(next).await;
        foreign = run.inits(&fresh).await?;
        run.plan(plan).await;
    }
    let encoded = |current: &Plan| {
        let plan = current.with_all_encoded(policy)?;
        let cues = Vec::new();
        Some(Successor { plan, cues })
    };
    let is_living = |row: &VideoRow| row.state != State::Deleted;
    let video = run.video();
    tracing::warn!(%video, segment, "the source's own pictures are no rung: it is encoded");
    succeed(&planner.plans, video, is_living, encoded, &[]).await?;
    if let Some(next) = &next {
        new_encoder::begin(planner, run, next, &foreign).await?;
        run.plan(plan).await;
    }
    match run.filler(rendition, segment).await {
        // Nobody is sent there any more.
        Err(SessionError::Fault(_)) => Ok(()),
        done => done,
    }
}

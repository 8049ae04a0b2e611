//! Passed-through rungs whose source pictures turn out to differ from the source's index: the rung is encoded like the
//! others, between the same segment boundaries.

use std::sync::Arc;

use plan::{Plan, RenditionId};
use store::metadata::{State, VideoRow};

use crate::encoding::session::{EncodingSession, SessionError};
use crate::plans::new_encoder;
use crate::plans::planner::Planner;
use crate::plans::successor::{Successor, succeed};

/// Whether a rendition is copied from the source's own pictures.
pub(crate) fn is_passed_through(plan: &Plan, rendition: RenditionId) -> bool {
    let passed = plan.passed_through();
    passed.is_some_and(|rung| rung.id == rendition)
}

/// Makes a plan that encodes the rung the current one. A player of the old rendition plays on, with a key frame held in
/// the segment that could not be made; later players get the encoded rung.
pub(crate) async fn give_up(
    planner: &Planner,
    session: &mut EncodingSession,
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
        session.set_plan(next).await;
        foreign = session.make_inits(&fresh).await?;
        session.set_plan(plan).await;
    }
    let encoded = |current: &Plan| {
        let plan = current.with_all_encoded(policy)?;
        let cues = Vec::new();
        Some(Successor { plan, cues })
    };
    let is_living = |row: &VideoRow| row.state != State::Deleted;
    let video = session.video();
    tracing::warn!(%video, segment, "the source's own pictures cannot be passed through; the rung is encoded");
    succeed(&planner.plans, video, is_living, encoded, &[]).await?;
    if let Some(next) = &next {
        new_encoder::begin_anew(planner, session, next, &foreign).await?;
        session.set_plan(plan).await;
    }
    match session.make_filler(rendition, segment).await {
        // Current playlists no longer lead to this segment, so a missing filler does no harm.
        Err(SessionError::Fault(_)) => Ok(()),
        done => done,
    }
}

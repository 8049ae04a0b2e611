//! Prune: when all of a video is made, the rungs that turn out not to be worth their bytes leave the plan. Players that
//! open the video from then on are offered the other rungs.

use std::collections::BTreeMap;

use plan::{Plan, RenditionId};
use store::metadata::{State, VideoRow};

use crate::plans::planner::Planner;
use crate::plans::successor::{Successor, succeed};

/// Makes a plan without these rungs the current one, judged by the measured bits per second of all rungs; returns
/// whether there were any. This happens before the video becomes ready, so that a process that is killed in between
/// looks again.
pub(crate) async fn prune(
    planner: &Planner,
    row: &VideoRow,
    plan: &Plan,
    averages: &BTreeMap<RenditionId, u64>,
) -> Result<bool, store::Error> {
    if !planner.config.policy.per_title || plan.pruned(averages).is_none() {
        return Ok(false);
    }
    // Fillers take almost no bytes, so the average of a rung with fillers says nothing about the rung.
    let fillers = planner
        .records
        .stores
        .metadata
        .tries()
        .fillers(&row.id)
        .await?;
    let is_rung = |id: RenditionId| plan.video.iter().any(|rung| rung.id == id);
    if fillers.iter().any(|(id, _)| is_rung(*id)) {
        return Ok(false);
    }
    let mut left = Vec::new();
    let without = |current: &Plan| {
        let plan = current.pruned(averages)?;
        left = plan.video.iter().map(|rung| rung.rung).collect();
        let cues = Vec::new();
        Some(Successor { plan, cues })
    };
    let is_open = |row: &VideoRow| matches!(row.state, State::Playable | State::Ready);
    succeed(&planner.plans, row.id, is_open, without, &[]).await?;
    tracing::info!(video = %row.id, ?left, "rungs that are not worth their bytes leave the plan");
    Ok(true)
}

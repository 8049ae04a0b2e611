//! All of a video is made, and some of its rungs turn out not to be worth their bytes: whoever opens
//! it from now on is offered the others.

use std::collections::BTreeMap;

use plan::{Plan, RenditionId};
use store::metadata::{State, VideoRow};

use crate::plans::planner::Planner;
use crate::plans::successor::{Successor, succeed};

/// Makes a plan without them the current one, by the measured bits per second of all rungs; tells
/// whether there are any. Before the video is ready: a kill in between leaves it to be looked at again.
pub(crate) async fn prune(
    planner: &Planner,
    row: &VideoRow,
    plan: &Plan,
    averages: &BTreeMap<RenditionId, u64>,
) -> Result<bool, store::Error> {
    if !planner.config.policy.per_title || plan.pruned(averages).is_none() {
        return Ok(false);
    }
    // They take next to nothing, and say nothing of the rung.
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
    tracing::info!(video = %row.id, ?left, "rungs that are not worth their bytes are left out");
    Ok(true)
}

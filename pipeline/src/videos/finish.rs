//! The end of a video's encoding: everything is stored and measured, and the video becomes ready.

use std::collections::BTreeMap;

use plan::{Lazy, Plan, RenditionId};
use store::metadata::{State, VideoRow};

use crate::background::backlog::{Backlog, Next};
use crate::plans::planner::Planner;
use crate::plans::prune::prune;
use crate::plans::remake;

/// Makes a video ready if a fresh listing shows that all of its plan is stored, except its lazy codecs. The average bit
/// rates come from the same listing. A lazy codec that is whole gets its rates too, by which manifests list it.
pub(crate) async fn finalize(
    planner: &Planner,
    row: &VideoRow,
    plan: &Plan,
) -> Result<(), store::Error> {
    let listed = planner.inventory.relist(row.id).await?;
    let backlog = Backlog {
        planner,
        row,
        plan,
        inventory: &listed,
    };
    if backlog.next() != Next::Nothing {
        return Ok(());
    }
    if remake::finish(planner, row, plan, &listed).await? {
        // The rates of the new plan are measured in a later call.
        return Ok(());
    }
    let duration_us = plan.timeline.duration_us().max(1) as u128;
    let average = |id: RenditionId| {
        let bytes = u128::from(listed.bytes(id));
        // Rounded up: the listed rate must not be lower than what is sent.
        (id, (bytes * 8_000_000).div_ceil(duration_us) as u64)
    };
    let (whole, lacking): (Vec<&Lazy>, Vec<&Lazy>) = plan
        .lazy
        .iter()
        .partition(|lazy| listed.is_whole(plan, lazy));
    let ids = plan
        .media_ids()
        .chain(whole.iter().flat_map(|lazy| lazy.ids()));
    let averages: BTreeMap<RenditionId, u64> = ids.map(average).collect();
    if prune(planner, row, plan, &averages).await? {
        // A later call makes the new plan ready.
        return Ok(());
    }
    let now = planner.records.stores.clock.now_us();
    let looked_at = row.current_plan.clone();
    let ready = |row: &mut VideoRow| {
        // Another plan has become current, and may have more to make.
        if !row.is_in_the_making() || row.current_plan != looked_at {
            return false;
        }
        if row.state != State::Ready {
            row.state = State::Ready;
            row.ready_at_us = Some(now);
        }
        row.average_bandwidth = averages.clone();
        if lacking.is_empty() {
            row.whole_plan.clone_from(&row.current_plan);
        }
        row.stored_bytes = Some(listed.total_bytes);
        true
    };
    planner.records.change(row.id, ready).await?;
    planner.inventory.forget(row.id);
    let mut faults = planner.still_faults.lock();
    faults.retain(|(video, _), _| *video != row.id);
    Ok(())
}

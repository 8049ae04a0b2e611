//! Retirement of plans: plans that were replaced long ago leave their video's list, and objects that only they have are
//! deleted, since nobody plays by them any more.

use std::sync::Arc;

use plan::{Plan, RenditionId, RenditionKey, VideoId};
use store::metadata::{PageRequest, PlanRef, State, VideoRow};
use store::{ObjectKey, Prefix, objects};

use crate::plans::planner::Planner;

/// How long a plan stays in the list after another one has become current: 30 days, in microseconds.
const KEPT_US: i64 = 30 * 86_400 * 1_000_000;
/// Rows that are read at once.
const PAGE: u32 = 100;

/// Looks once at every video for plans to retire.
pub(crate) async fn round(planner: &Planner) -> Result<(), store::Error> {
    let mut page = PageRequest::first(PAGE);
    loop {
        let rows = planner
            .records
            .stores
            .metadata
            .videos()
            .list(None, &page)
            .await?;
        for row in rows.items {
            let is_any_over = row.plans.iter().any(|known| is_over(planner, &row, known));
            if is_any_over && let Err(error) = retire(planner, &row).await {
                tracing::warn!(%error, video = %row.id, "plans that were replaced long ago could not be retired");
            }
        }
        match rows.next {
            Some(cursor) => page = PageRequest::after(cursor, PAGE),
            None => return Ok(()),
        }
    }
}

/// Whether nobody needs a plan any more.
fn is_over(planner: &Planner, row: &VideoRow, known: &PlanRef) -> bool {
    let now = planner.records.stores.clock.now_us();
    let is_old = known
        .retired_at_us
        .is_some_and(|at| now.saturating_sub(at) >= KEPT_US);
    let is_needed = [&row.current_plan, &row.whole_plan]
        .into_iter()
        .flatten()
        .any(|hash| *hash == known.hash);
    known.leaves || is_old && !is_needed
}

/// Retires the old plans of a video. First they are marked, so that nothing is found by them; then what only they have
/// is deleted; then they leave the list. A process that is stopped in between begins again.
async fn retire(planner: &Planner, row: &VideoRow) -> Result<(), store::Error> {
    let video = row.id;
    let marked = planner
        .records
        .change(video, |row| {
            let over: Vec<bool> = row
                .plans
                .iter()
                .map(|known| is_over(planner, row, known))
                .collect();
            let mut is_changed = false;
            for (known, over) in row.plans.iter_mut().zip(over) {
                is_changed |= over && !known.leaves;
                known.leaves |= over;
            }
            is_changed && row.state != State::Deleted
        })
        .await?;
    if marked.state == State::Deleted {
        return Ok(());
    }
    let (leaving, staying): (Vec<&PlanRef>, Vec<&PlanRef>) =
        marked.plans.iter().partition(|known| known.leaves);
    let mut kept = Vec::new();
    for known in staying {
        kept.push(planner.plans.load(video, &known.hash).await?);
    }
    let mut deleted = 0;
    for known in &leaving {
        let plan = match planner.plans.load(video, &known.hash).await {
            // The plan's object was deleted before the list was changed.
            Err(store::Error::NotFound) => continue,
            loaded => loaded?,
        };
        for rendition in only_in(&plan, &kept) {
            if !is_still_leaving(planner, video, &known.hash).await? {
                return Ok(());
            }
            let key = RenditionKey { video, rendition };
            objects::delete_prefix(&*planner.records.stores.objects, &Prefix::Rendition(key))
                .await?;
            planner.inits.forget(key);
            deleted += 1;
        }
        let hash = known.hash.clone();
        let object = ObjectKey::Plan { video, hash };
        planner.records.stores.objects.delete(&[object]).await?;
    }
    let left = planner.inventory.relist(video).await?;
    planner
        .records
        .change(video, |row| {
            let before = row.plans.len();
            row.plans.retain(|known| !known.leaves);
            if row.stored_bytes.is_some() {
                row.stored_bytes = Some(left.total_bytes);
            }
            row.plans.len() != before
        })
        .await?;
    tracing::info!(%video, plans = leaving.len(), renditions = deleted, "plans that were replaced long ago are retired");
    Ok(())
}

/// Whether a plan is still marked to leave the list, and no process has listed it again.
async fn is_still_leaving(
    planner: &Planner,
    video: VideoId,
    hash: &str,
) -> Result<bool, store::Error> {
    let row = planner.records.living(video).await?;
    let plans = row.map_or(Vec::new(), |row| row.plans);
    let mut named = plans.iter().filter(|known| known.hash == hash).peekable();
    Ok(named.peek().is_some() && named.all(|known| known.leaves))
}

/// Renditions of a plan that none of the kept plans lists.
fn only_in(plan: &Plan, kept: &[Arc<Plan>]) -> Vec<RenditionId> {
    let ids = plan.every_rendition().into_iter();
    ids.filter(|id| kept.iter().all(|other| !other.lists(*id)))
        .collect()
}

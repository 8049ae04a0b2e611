//! Progress of a video: how many of its media segments are stored.

use plan::RenditionId;
use store::metadata::{State, VideoRow};

use crate::answers::Progress;
use crate::plans::Plans;
use crate::videos::inventory::Inventory;

/// Progress of a video, over all renditions of its current plan.
pub(crate) async fn progress(
    plans: &Plans,
    inventory: &Inventory,
    row: &VideoRow,
) -> Result<Progress, store::Error> {
    let each = rendition_progress(plans, inventory, row).await?;
    Ok(each
        .iter()
        .fold(Progress::default(), |sum, (_, one)| Progress {
            made: sum.made + one.made,
            total: sum.total + one.total,
        }))
}

/// Progress of each rendition of the current plan.
pub(crate) async fn rendition_progress(
    plans: &Plans,
    inventory: &Inventory,
    row: &VideoRow,
) -> Result<Vec<(RenditionId, Progress)>, store::Error> {
    let Some(hash) = &row.current_plan else {
        return Ok(Vec::new());
    };
    let plan = plans.load(row.id, hash).await?;
    let total = u64::from(plan.segments());
    if row.state == State::Ready {
        let whole = |id| (id, Progress { made: total, total });
        return Ok(plan.media_ids().map(whole).collect());
    }
    let stored = inventory.known(row.id).await?;
    let each = |id| {
        let made = stored.count(id);
        (id, Progress { made, total })
    };
    Ok(plan.media_ids().map(each).collect())
}

//! Renditions that no worker, or not every worker, can continue, since their engines have other libraries.

use std::collections::HashMap;
use std::time::Duration;

use plan::{Plan, RenditionKey, VideoId};
use store::Moment;
use store::metadata::VideoRow;
use store::work::Worker;

use crate::videos::inventory::VideoInventory;

/// Time after which renditions that some worker cannot continue are begun anew, though another worker could continue
/// them.
const GIVEN_UP: Duration = Duration::from_secs(600);
/// Time after which beginning anew is tried again, if it failed.
const RENEWED: Duration = Duration::from_secs(30);

/// Renditions that some worker cannot continue.
#[derive(Default)]
pub(super) struct StuckRenditions {
    /// Incomplete renditions, and since when some worker cannot continue each.
    declined: HashMap<RenditionKey, Moment>,
    /// When a video was last begun anew.
    renewed: HashMap<VideoId, Moment>,
}

impl StuckRenditions {
    /// Forgets the videos that are not wanted any more.
    pub(super) fn keep(&mut self, is_wanted: impl Fn(&VideoId) -> bool) {
        self.declined.retain(|key, _| is_wanted(&key.video));
        self.renewed.retain(|video, _| is_wanted(video));
    }

    /// Whether renditions of a video have to be begun anew: no worker can continue some rendition, or none has for
    /// long.
    pub(super) fn must_begin_anew(
        &mut self,
        row: &VideoRow,
        plan: &Plan,
        inventory: &VideoInventory,
        (workers, now): (&[Worker], Moment),
    ) -> bool {
        let mut is_over = false;
        for rendition in plan.every_media() {
            let key = RenditionKey {
                video: row.id,
                rendition,
            };
            let mut able = workers.iter().filter(|worker| !worker.drains);
            let declines = |worker: &Worker| worker.declines.contains(&key);
            let is_whole = inventory.count(rendition) >= u64::from(plan.segments());
            if is_whole || !able.clone().any(declines) {
                self.declined.remove(&key);
                continue;
            }
            let since = *self.declined.entry(key).or_insert(now);
            is_over |= able.all(declines) || now.since(since) >= GIVEN_UP;
        }
        let renewed = self.renewed.get(&row.id);
        let is_late = renewed.is_none_or(|&at| now.since(at) >= RENEWED);
        if is_over && is_late {
            self.renewed.insert(row.id, now);
        }
        is_over && is_late
    }
}

//! The planner: what everything needs that makes another plan of a video.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use plan::VideoId;

use crate::config::Config;
use crate::encoding::sessions::Sessions;
use crate::plans::Plans;
use crate::records::Records;
use crate::videos::init_segments::InitSegments;
use crate::videos::inventory::Inventory;
use crate::videos::purge::CachePurge;

/// Makes another plan of a video the current one: with its text, its loudness, another codec, or new renditions in
/// place of those that no worker can continue.
pub(crate) struct Planner {
    pub(crate) records: Arc<Records>,
    pub(crate) config: Arc<Config>,
    pub(crate) plans: Arc<Plans>,
    pub(crate) inventory: Arc<Inventory>,
    pub(crate) inits: Arc<InitSegments>,
    pub(crate) sessions: Arc<Sessions>,
    pub(crate) purge: Arc<CachePurge>,
    /// Whether no other process works on the same stores.
    pub(crate) works_alone: bool,
    /// Number of failures to read the text of a video.
    pub(crate) text_faults: Mutex<HashMap<VideoId, u32>>,
    /// Number of failures to make the poster of a video (`None`), or one of its storyboard sheets.
    pub(crate) still_faults: Mutex<HashMap<(VideoId, Option<u32>), u32>>,
    /// Number of failures to measure the loudness of a video.
    pub(crate) loudness_faults: Mutex<HashMap<VideoId, u32>>,
}

impl Planner {
    pub(crate) fn new(
        sessions: &Arc<Sessions>,
        plans: &Arc<Plans>,
        purge: &Arc<CachePurge>,
        works_alone: bool,
    ) -> Self {
        Self {
            records: sessions.records.clone(),
            config: sessions.config.clone(),
            plans: plans.clone(),
            inventory: sessions.inventory.clone(),
            inits: sessions.inits.clone(),
            sessions: sessions.clone(),
            purge: purge.clone(),
            works_alone,
            text_faults: Mutex::default(),
            still_faults: Mutex::default(),
            loudness_faults: Mutex::default(),
        }
    }
}

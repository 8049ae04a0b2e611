//! Which of the waiting demands of a video comes next.

use std::sync::Arc;

use plan::{Plan, RenditionId, SegmentKey, VideoId};

use super::board::Waiting;
use crate::encoding::turns::Asked;

/// What a window is to make next: segments of the same time.
pub(crate) struct Pick {
    /// Who asked for it, and until when it should be there; nobody yet, where it is made ahead.
    pub(crate) asked: Asked,
    pub(crate) plan: Arc<Plan>,
    pub(crate) renditions: Vec<RenditionId>,
    pub(crate) segment: u32,
}

impl Pick {
    /// Its segments.
    pub(crate) fn keys(&self, video: VideoId) -> impl Iterator<Item = SegmentKey> {
        let key = move |&rendition| SegmentKey {
            video,
            rendition,
            index: self.segment,
        };
        self.renditions.iter().map(key)
    }
}

impl Waiting {
    /// What of a video is waited for and in nobody's hands: by turns, inside a network second tries first,
    /// then who has the least time. The sound and the picture of the same time are one piece of work.
    pub(crate) fn pick(&self, video: VideoId) -> Option<Pick> {
        let state = self.state.lock();
        let free = |key: &SegmentKey| key.video == video && !self.claims.is_claimed(key);
        let mut waiting: Vec<_> = state.waiting.iter().filter(|(key, _)| free(key)).collect();
        waiting.sort_by_key(|(key, waiter)| {
            let asked = &waiter.asked;
            let rank = self.turns.rank(&asked.viewer, video);
            (rank, !asked.second_try, asked.deadline, **key)
        });
        let (first, waiter) = waiting.first()?;
        let same = waiting.iter().filter(|(key, other)| {
            key.index == first.index && Arc::ptr_eq(&other.plan, &waiter.plan)
        });
        Some(Pick {
            asked: waiter.asked.clone(),
            plan: waiter.plan.clone(),
            renditions: same.map(|(key, _)| key.rendition).collect(),
            segment: first.index,
        })
    }

    /// Whether something of a video is waited for that is not next to this segment, and in
    /// nobody's hands.
    pub(crate) fn waits_elsewhere(&self, video: VideoId, segment: u32) -> bool {
        let state = self.state.lock();
        let mut waiting = state.waiting.keys();
        waiting.any(|key| {
            let elsewhere = key.video == video && key.index.abs_diff(segment) > 1;
            elsewhere && !self.claims.is_claimed(key)
        })
    }
}

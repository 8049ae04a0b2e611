//! Which waiting segments of a video are made next.

use std::sync::Arc;

use plan::{Plan, RenditionId, SegmentKey, VideoId};

use super::board::Waiting;
use crate::encoding::turns::Asked;

/// What a window is to make next: segments of one point in time, in one or several renditions.
pub(crate) struct NextDemand {
    /// Who asked for the segments, and until when they should be there; the default where they are made ahead for
    /// nobody yet.
    pub(crate) asked: Asked,
    pub(crate) plan: Arc<Plan>,
    pub(crate) renditions: Vec<RenditionId>,
    pub(crate) segment: u32,
}

impl NextDemand {
    /// Keys of the segments.
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
    /// Chooses the waited-for segments of a video that no session has claimed: by the rank of their networks, inside a
    /// network second tries first, then the earliest deadline. Sound and pictures of the same point in time are one
    /// piece of work.
    pub(crate) fn next_demand(&self, video: VideoId) -> Option<NextDemand> {
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
        Some(NextDemand {
            asked: waiter.asked.clone(),
            plan: waiter.plan.clone(),
            renditions: same.map(|(key, _)| key.rendition).collect(),
            segment: first.index,
        })
    }

    /// Whether a segment that is waited for, and that no session has claimed, lies further than one segment from this
    /// place in the video.
    pub(crate) fn waits_elsewhere(&self, video: VideoId, segment: u32) -> bool {
        let state = self.state.lock();
        let mut waiting = state.waiting.keys();
        waiting.any(|key| {
            let elsewhere = key.video == video && key.index.abs_diff(segment) > 1;
            elsewhere && !self.claims.is_claimed(key)
        })
    }
}

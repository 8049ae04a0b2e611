//! Renditions that the engines of this process cannot go on with.

use std::collections::VecDeque;

use parking_lot::Mutex;
use plan::{Plan, RenditionKey, VideoId};

/// Renditions that are remembered.
const REMEMBERED: usize = 4096;
/// Renditions that others are told of at a time: 16 KB every few seconds.
const TOLD: usize = 256;

/// What engines of this process cannot go on with.
#[derive(Default)]
pub(crate) struct Declined(Mutex<VecDeque<RenditionKey>>);

impl Declined {
    /// Returns whether that is news. Others are told of what was noted last.
    pub(crate) fn note(&self, key: RenditionKey) -> bool {
        let mut known = self.0.lock();
        let before = known.iter().position(|noted| *noted == key);
        if let Some(at) = before {
            known.remove(at);
        }
        known.push_front(key);
        known.truncate(REMEMBERED);
        before.is_none()
    }

    /// Notes what there is of a video once more, but for what others stand for; returns whether there is anything.
    pub(crate) fn note_again(&self, video: VideoId, plan: &Plan) -> bool {
        let mut known = self.0.lock();
        known.retain(|key| key.video != video || !plan.given_up.contains(&key.rendition));
        let (of_it, others): (VecDeque<_>, VecDeque<_>) =
            known.iter().partition(|key| key.video == video);
        let is_any = !of_it.is_empty();
        *known = of_it.into_iter().chain(others).collect();
        is_any
    }

    pub(crate) fn has(&self, key: RenditionKey) -> bool {
        self.0.lock().contains(&key)
    }

    /// Those that others are told of.
    pub(crate) fn latest(&self) -> Vec<RenditionKey> {
        self.0.lock().iter().take(TOLD).copied().collect()
    }
}

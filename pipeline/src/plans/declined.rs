//! Declined renditions: the engines of this process cannot continue them.

use std::collections::VecDeque;

use parking_lot::Mutex;
use plan::{Plan, RenditionKey, VideoId};

/// Renditions that are remembered.
const REMEMBERED: usize = 4096;
/// Renditions that an announcement lists: 16 KB every few seconds.
const ANNOUNCED: usize = 256;

/// Renditions that the engines of this process cannot continue, the latest first.
#[derive(Default)]
pub(crate) struct Declined(Mutex<VecDeque<RenditionKey>>);

impl Declined {
    /// Records a rendition; returns whether it is a new one. Announcements list the renditions that were recorded last.
    pub(crate) fn record(&self, key: RenditionKey) -> bool {
        let mut known = self.0.lock();
        let before = known.iter().position(|noted| *noted == key);
        if let Some(at) = before {
            known.remove(at);
        }
        known.push_front(key);
        known.truncate(REMEMBERED);
        before.is_none()
    }

    /// Records the declined renditions of a video once more, except those that others stand for in the plan; returns
    /// whether there are any.
    pub(crate) fn record_again(&self, video: VideoId, plan: &Plan) -> bool {
        let mut known = self.0.lock();
        known.retain(|key| key.video != video || !plan.given_up.contains(&key.rendition));
        let (of_it, others): (VecDeque<_>, VecDeque<_>) =
            known.iter().partition(|key| key.video == video);
        let is_any = !of_it.is_empty();
        *known = of_it.into_iter().chain(others).collect();
        is_any
    }

    /// Whether a rendition was declined by an engine of this process.
    pub(crate) fn has(&self, key: RenditionKey) -> bool {
        self.0.lock().contains(&key)
    }

    /// Renditions that the next announcement lists.
    pub(crate) fn latest(&self) -> Vec<RenditionKey> {
        self.0.lock().iter().take(ANNOUNCED).copied().collect()
    }
}

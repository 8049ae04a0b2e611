//! The state of one watch window: its session while that is idle, the plans and the playheads of its viewers.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;
use plan::{Plan, RenditionId, RenditionName, SegmentKey, VideoId};
use store::Clock;
use tokio::sync::Notify;

use super::ahead::{Place, Playheads};
use crate::encoding::session::EncodingSession;
use crate::encoding::turns::{Network, Viewer};
use crate::encoding::waiting::Pick;

/// Plans of one video that its viewers are at: the current one, and some that were.
const PLANS: usize = 4;

/// The window of one video.
pub(crate) struct Window {
    /// Those by which it was asked for something, the latest first.
    plans: Mutex<VecDeque<Arc<Plan>>>,
    pub(super) video: VideoId,
    /// Whose first request opened it.
    network: Option<Network>,
    pub(super) playheads: Mutex<Playheads>,
    /// Its session while there is nothing to do.
    pub(super) idle: Mutex<Option<EncodingSession>>,
    pub(super) woken: Notify,
    leaves: AtomicBool,
}

impl Window {
    pub(crate) fn new(plan: Arc<Plan>, video: VideoId, network: Option<Network>) -> Self {
        Self {
            plans: Mutex::new(VecDeque::from([plan])),
            video,
            network,
            playheads: Mutex::default(),
            idle: Mutex::default(),
            woken: Notify::new(),
            leaves: AtomicBool::new(false),
        }
    }

    /// Somebody waits for something of this video.
    pub(crate) fn wake(&self) {
        self.woken.notify_one();
    }

    /// Has a session that is warm already.
    pub(crate) fn adopt(&self, run: EncodingSession) {
        let before = self.idle.lock().replace(run);
        drop(before);
        self.wake();
    }

    /// Hands over its session, where no viewer is near.
    pub(crate) fn lend(&self, clock: &dyn Clock) -> Option<EncodingSession> {
        let is_near = self.playheads.lock().is_any(clock.now());
        if is_near {
            None
        } else {
            self.idle.lock().take()
        }
    }

    /// Room is needed for another.
    pub(crate) fn leave(&self) {
        self.leaves.store(true, Ordering::Relaxed);
        self.wake();
    }

    /// A viewer goes by this plan.
    pub(crate) fn learn(&self, plan: &Arc<Plan>) {
        let mut plans = self.plans.lock();
        plans.retain(|known| !Arc::ptr_eq(known, plan));
        plans.push_front(plan.clone());
        plans.truncate(PLANS);
    }

    /// The latest plan that has this rendition's media.
    pub(crate) fn plan_of(&self, rendition: RenditionId) -> Option<Arc<Plan>> {
        let plans = self.plans.lock();
        plans.iter().find(|plan| plan.has_media(rendition)).cloned()
    }

    /// A viewer is at this segment, which is none where no plan that it knows has one. Who winds or drags is nowhere yet.
    pub(crate) fn near(&self, clock: &dyn Clock, key: SegmentKey, viewer: &Viewer) {
        let Some(plan) = self.plan_of(key.rendition) else {
            return;
        };
        if key.index >= plan.segments() {
            return;
        }
        if is_trick_play(key.rendition) {
            return self.wake();
        }
        let place = Place {
            rendition: key.rendition,
            is_sound: plan.audio_rendition(key.rendition).is_some(),
            segment: key.index,
        };
        let now = clock.now();
        self.playheads.lock().at(place, viewer, now);
        self.wake();
    }

    /// A viewer is about to go on in this rendition from where they are.
    pub(crate) fn switched(&self, clock: &dyn Clock, to: RenditionId, viewer: &Viewer) {
        if is_trick_play(to) {
            return;
        }
        let plan = self.plan_of(to);
        let is_sound = plan.is_some_and(|plan| plan.audio_rendition(to).is_some());
        let at = self.playheads.lock().latest(is_sound);
        if let Some(Place { segment, .. }) = at {
            let key = SegmentKey {
                video: self.video,
                rendition: to,
                index: segment,
            };
            self.near(clock, key, viewer);
        }
    }

    /// With the sound of a picture's time: players ask for it at the same time or right after,
    /// and it costs a tenth.
    pub(super) fn with_sound(&self, mut pick: Pick) -> Pick {
        let is_sound = |id: RenditionId| pick.plan.audio_rendition(id).is_some();
        if pick
            .renditions
            .iter()
            .any(|&id| is_sound(id) || is_trick_play(id))
        {
            return pick;
        }
        let heard = self.playheads.lock().latest(true);
        let sounds = &pick.plan.audio;
        let usual = || sounds.iter().find(|sound| sound.default).or(sounds.first());
        // Who plays on by an older plan hears a sound that this one may not have.
        let heard = heard
            .map(|place| place.rendition)
            .filter(|&id| is_sound(id));
        let sound = heard.or_else(|| usual().map(|sound| sound.id));
        pick.renditions.extend(sound);
        pick
    }

    pub(crate) const fn network(&self) -> Option<Network> {
        self.network
    }

    pub(crate) const fn video(&self) -> VideoId {
        self.video
    }

    pub(super) fn leaves(&self) -> bool {
        self.leaves.load(Ordering::Relaxed)
    }
}

const fn is_trick_play(id: RenditionId) -> bool {
    matches!(id.name(), RenditionName::TrickPlay(_))
}

//! The state of one watch window: its idle session, the plans that its viewers use, and their playheads.

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
use crate::encoding::waiting::NextDemand;

/// Plans of one video that a window knows: the current one, and earlier ones that viewers still use.
const PLANS: usize = 4;

/// The watch window of one video.
pub(crate) struct Window {
    /// Plans that requests came with, the latest first.
    plans: Mutex<VecDeque<Arc<Plan>>>,
    pub(super) video: VideoId,
    /// The network whose request opened the window.
    network: Option<Network>,
    pub(super) playheads: Mutex<Playheads>,
    /// The window's session while it has nothing to do.
    pub(super) idle: Mutex<Option<EncodingSession>>,
    /// Notified when the window may have something to do.
    pub(super) woken: Notify,
    /// Whether the window has to end, to make room for another one.
    is_leaving: AtomicBool,
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
            is_leaving: AtomicBool::new(false),
        }
    }

    /// Wakes the window: somebody waits for a segment of its video, or the playheads have changed.
    pub(crate) fn wake(&self) {
        self.woken.notify_one();
    }

    /// Gives the window a session that is warm already.
    pub(crate) fn adopt(&self, session: EncodingSession) {
        let before = self.idle.lock().replace(session);
        drop(before);
        self.wake();
    }

    /// Takes the window's session out if no viewer is near.
    pub(crate) fn take_idle_session(&self, clock: &dyn Clock) -> Option<EncodingSession> {
        let is_near = self.playheads.lock().is_any(clock.now());
        if is_near {
            None
        } else {
            self.idle.lock().take()
        }
    }

    /// Has the window end, to make room for another one.
    pub(crate) fn leave(&self) {
        self.is_leaving.store(true, Ordering::Relaxed);
        self.wake();
    }

    /// Adds a plan that a viewer uses to the plans that the window knows.
    pub(crate) fn learn(&self, plan: &Arc<Plan>) {
        let mut plans = self.plans.lock();
        plans.retain(|known| !Arc::ptr_eq(known, plan));
        plans.push_front(plan.clone());
        plans.truncate(PLANS);
    }

    /// The latest known plan that has media of this rendition.
    pub(crate) fn plan_of(&self, rendition: RenditionId) -> Option<Arc<Plan>> {
        let plans = self.plans.lock();
        plans.iter().find(|plan| plan.has_media(rendition)).cloned()
    }

    /// Notes that a viewer is at a segment; segments that no known plan has are ignored. A viewer of trick play winds
    /// or drags, and is at no place yet.
    pub(crate) fn record_position(&self, clock: &dyn Clock, key: SegmentKey, viewer: &Viewer) {
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
        self.playheads.lock().record(place, viewer, now);
        self.wake();
    }

    /// Notes that a viewer is about to continue in this rendition from the current place.
    pub(crate) fn record_switch(&self, clock: &dyn Clock, to: RenditionId, viewer: &Viewer) {
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
            self.record_position(clock, key, viewer);
        }
    }

    /// Adds the sound of the same time to pictures that are made: players ask for it at the same time or right after,
    /// and it costs a tenth.
    pub(super) fn add_sound(&self, mut next: NextDemand) -> NextDemand {
        let is_sound = |id: RenditionId| next.plan.audio_rendition(id).is_some();
        if next
            .renditions
            .iter()
            .any(|&id| is_sound(id) || is_trick_play(id))
        {
            return next;
        }
        let heard = self.playheads.lock().latest(true);
        let sounds = &next.plan.audio;
        let usual = || sounds.iter().find(|sound| sound.default).or(sounds.first());
        // A viewer who plays by an older plan may hear a sound that this plan lacks.
        let heard = heard
            .map(|place| place.rendition)
            .filter(|&id| is_sound(id));
        let sound = heard.or_else(|| usual().map(|sound| sound.id));
        next.renditions.extend(sound);
        next
    }

    /// The network whose request opened the window.
    pub(crate) const fn network(&self) -> Option<Network> {
        self.network
    }

    /// The video that the window serves.
    pub(crate) const fn video(&self) -> VideoId {
        self.video
    }

    /// Whether the window has to end, to make room for another one.
    pub(super) fn is_leaving(&self) -> bool {
        self.is_leaving.load(Ordering::Relaxed)
    }
}

const fn is_trick_play(id: RenditionId) -> bool {
    matches!(id.name(), RenditionName::TrickPlay(_))
}

//! The board of all requests of this process that wait for segments.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use parking_lot::Mutex;
use plan::{Plan, SegmentKey, VideoId};
use store::Clock;
use tokio::sync::{Notify, watch};

use super::unserved::Unserved;
use crate::encoding::background_gate::BackgroundGate;
use crate::encoding::claims::ClaimBoard;
use crate::encoding::turns::{Asked, Network, Turns};

/// Segments that one network may wait for while other networks wait too: the need of two viewers.
const SEGMENTS_OF_ONE: usize = 4;

/// All requests that wait for the same segment.
pub(super) struct Waiter {
    /// The bytes of the segment, once it is made.
    pub(super) made: watch::Sender<Option<Bytes>>,
    /// Number of requests that wait for the segment.
    pub(super) requests: usize,
    /// Who asks for the segment with the highest rank, and until when at the latest.
    pub(super) asked: Asked,
    pub(super) plan: Arc<Plan>,
    /// Notified when another process says that the segment is stored.
    pub(super) heard: Arc<Notify>,
}

/// All waiting requests, by segment, and the requests that went away unserved.
#[derive(Default)]
pub(super) struct State {
    pub(super) waiting: HashMap<SegmentKey, Waiter>,
    /// Number of all waiting requests.
    pub(super) requests: usize,
    pub(super) unserved: Unserved,
}

/// Requests of this process for segments that are not stored.
pub(crate) struct Waiting {
    pub(super) clock: Arc<dyn Clock>,
    /// How long a request waits at most.
    pub(super) patience: Duration,
    /// Segments that may be waited for at once.
    pub(super) most_segments: usize,
    pub(super) gate: Arc<BackgroundGate>,
    pub(super) turns: Arc<Turns>,
    pub(super) claims: Arc<ClaimBoard>,
    pub(super) state: Mutex<State>,
    /// Counts the changes that [`Self::changes`] tells of.
    pub(super) changed: watch::Sender<u64>,
}

impl State {
    /// Whether a network waits for as many segments as one network may, while other networks wait too.
    pub(super) fn has_its_share(&self, network: Option<Network>) -> bool {
        let waiting = || self.waiting.values();
        let own = waiting().filter(|waiter| waiter.asked.viewer.network == network);
        network.is_some()
            && own.count() >= SEGMENTS_OF_ONE
            && waiting().any(|waiter| waiter.asked.viewer.network != network)
    }
}

impl Waiting {
    pub(crate) fn new(
        clock: Arc<dyn Clock>,
        patience: Duration,
        most_segments: usize,
        (gate, turns, claims): (&Arc<BackgroundGate>, &Arc<Turns>, &Arc<ClaimBoard>),
    ) -> Self {
        Self {
            clock,
            patience,
            most_segments,
            gate: gate.clone(),
            turns: turns.clone(),
            claims: claims.clone(),
            state: Mutex::default(),
            changed: watch::Sender::new(0),
        }
    }

    /// Whether any network except this one waits for a segment.
    pub(crate) fn has_another_network(&self, network: Option<Network>) -> bool {
        let state = self.state.lock();
        let mut waiting = state.waiting.values();
        waiting.any(|waiter| waiter.asked.viewer.network != network)
    }

    /// Whether any segment of this video is waited for.
    pub(crate) fn is_video_waited_for(&self, video: VideoId) -> bool {
        self.state
            .lock()
            .waiting
            .keys()
            .any(|key| key.video == video)
    }

    /// The plan and the network of some request that waits for a segment of this video.
    pub(crate) fn plan_of(&self, video: VideoId) -> Option<(Arc<Plan>, Option<Network>)> {
        let state = self.state.lock();
        let mut waiting = state.waiting.iter();
        let (_, waiter) = waiting.find(|(key, _)| key.video == video)?;
        Some((waiter.plan.clone(), waiter.asked.viewer.network))
    }

    /// Videos of which a segment is waited for.
    pub(crate) fn videos(&self) -> HashSet<VideoId> {
        self.state
            .lock()
            .waiting
            .keys()
            .map(|key| key.video)
            .collect()
    }

    /// Hands a segment that was stored to all requests that wait for it.
    pub(crate) fn deliver(&self, key: &SegmentKey, bytes: &Bytes) {
        self.resolve(key, Some(bytes.clone()));
    }

    /// Tells all requests that wait for this segment that it will not come.
    pub(crate) fn give_up(&self, key: &SegmentKey) {
        self.resolve(key, None);
    }

    fn resolve(&self, key: &SegmentKey, outcome: Option<Bytes>) {
        let waiter = self.state.lock().waiting.remove(key);
        if let Some(waiter) = waiter {
            // When the sender is dropped without a value, the receivers learn that no segment comes.
            if outcome.is_some() {
                waiter.made.send_replace(outcome);
            }
            self.notify_change();
        }
    }

    /// Tells the subscribers of [`Self::changes`] that something has changed.
    pub(crate) fn notify_change(&self) {
        self.changed.send_modify(|version| *version += 1);
    }

    /// Notes that another process says that this segment is stored.
    pub(crate) fn notify_stored(&self, key: &SegmentKey) {
        if let Some(waiter) = self.state.lock().waiting.get(key) {
            waiter.heard.notify_one();
        }
    }

    /// Notes that messages of other processes were missed: any segment may be stored, so all requests look.
    pub(crate) fn notify_all_stored(&self) {
        for waiter in self.state.lock().waiting.values() {
            waiter.heard.notify_one();
        }
    }

    /// Who waits for a segment, as long as the requests are those that `heard` belongs to; `None` once they are gone.
    pub(crate) fn still_asked(&self, key: &SegmentKey, heard: &Arc<Notify>) -> Option<Asked> {
        let state = self.state.lock();
        let waiter = state.waiting.get(key)?;
        Arc::ptr_eq(&waiter.heard, heard).then(|| waiter.asked.clone())
    }

    /// Subscribes to changes: a segment begins or ceases to be waited for, or a window opens or closes.
    pub(crate) fn changes(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    /// Whether some segment is waited for, and none of the waited-for segments is the caller's own.
    pub(crate) fn others_wait(&self, is_own: impl Fn(&SegmentKey) -> bool) -> bool {
        let state = self.state.lock();
        !state.waiting.is_empty() && !state.waiting.keys().any(is_own)
    }

    /// The most urgent of the requests that wait for any of these segments.
    pub(crate) fn most_urgent(&self, of: impl Fn(&SegmentKey) -> bool) -> Option<Asked> {
        let state = self.state.lock();
        let waiting = state.waiting.iter().filter(|(key, _)| of(key));
        let asked = waiting.map(|(_, waiter)| &waiter.asked);
        let urgent = asked.min_by_key(|asked| (!asked.second_try, asked.deadline));
        urgent.cloned()
    }

    /// Whether any request waits for this segment.
    pub(crate) fn is_waited_for(&self, key: &SegmentKey) -> bool {
        self.state.lock().waiting.contains_key(key)
    }
}

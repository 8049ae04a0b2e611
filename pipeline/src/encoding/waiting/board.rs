//! The board of all requests that wait.

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

/// Segments that one network may wait for while others wait: those of two viewers.
const SEGMENTS_OF_ONE: usize = 4;

/// Requests that wait for the same segment.
pub(super) struct Waiter {
    pub(super) made: watch::Sender<Option<Bytes>>,
    pub(super) requests: usize,
    /// By whom first, and until when at the latest.
    pub(super) asked: Asked,
    pub(super) plan: Arc<Plan>,
    /// It is said to be stored.
    pub(super) heard: Arc<Notify>,
}

#[derive(Default)]
pub(super) struct State {
    pub(super) waiting: HashMap<SegmentKey, Waiter>,
    pub(super) requests: usize,
    pub(super) unserved: Unserved,
}

/// Requests for segments that are not stored, of this process.
pub(crate) struct Waiting {
    pub(super) clock: Arc<dyn Clock>,
    /// How long a request waits at most.
    pub(super) patience: Duration,
    /// Segments that may be waited for in all.
    pub(super) most_segments: usize,
    pub(super) gate: Arc<BackgroundGate>,
    pub(super) turns: Arc<Turns>,
    pub(super) claims: Arc<ClaimBoard>,
    pub(super) state: Mutex<State>,
    pub(super) changed: watch::Sender<u64>,
}

impl State {
    /// Whether a network has its share already, and others wait.
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

    /// Whether another network than this one waits for anything.
    pub(crate) fn has_another_network(&self, network: Option<Network>) -> bool {
        let state = self.state.lock();
        let mut waiting = state.waiting.values();
        waiting.any(|waiter| waiter.asked.viewer.network != network)
    }

    /// Whether anything of a video is waited for.
    pub(crate) fn is_video_waited_for(&self, video: VideoId) -> bool {
        self.state
            .lock()
            .waiting
            .keys()
            .any(|key| key.video == video)
    }

    /// The plan and the network by which something of a video is waited for.
    pub(crate) fn plan_of(&self, video: VideoId) -> Option<(Arc<Plan>, Option<Network>)> {
        let state = self.state.lock();
        let mut waiting = state.waiting.iter();
        let (_, waiter) = waiting.find(|(key, _)| key.video == video)?;
        Some((waiter.plan.clone(), waiter.asked.viewer.network))
    }

    /// Videos of which something is waited for.
    pub(crate) fn videos(&self) -> HashSet<VideoId> {
        self.state
            .lock()
            .waiting
            .keys()
            .map(|key| key.video)
            .collect()
    }

    /// A segment was stored: whoever waits for it has it.
    pub(crate) fn made(&self, key: &SegmentKey, bytes: &Bytes) {
        self.resolve(key, Some(bytes.clone()));
    }

    /// Whoever waits for it is told that they wait in vain.
    pub(crate) fn give_up(&self, key: &SegmentKey) {
        self.resolve(key, None);
    }

    fn resolve(&self, key: &SegmentKey, outcome: Option<Bytes>) {
        let waiter = self.state.lock().waiting.remove(key);
        if let Some(waiter) = waiter {
            // Dropped unsent, the sender says that nothing comes.
            if outcome.is_some() {
                waiter.made.send_replace(outcome);
            }
            self.tell();
        }
    }

    pub(crate) fn tell(&self) {
        self.changed.send_modify(|version| *version += 1);
    }

    /// A segment is said to be stored, by somebody else.
    pub(crate) fn heard(&self, key: &SegmentKey) {
        if let Some(waiter) = self.state.lock().waiting.get(key) {
            waiter.heard.notify_one();
        }
    }

    /// Something was said that was not heard: everything may be stored.
    pub(crate) fn heard_all(&self) {
        for waiter in self.state.lock().waiting.values() {
            waiter.heard.notify_one();
        }
    }

    /// By whom a segment is waited for, while those wait who did when `heard` was theirs.
    pub(crate) fn still_asked(&self, key: &SegmentKey, heard: &Arc<Notify>) -> Option<Asked> {
        let state = self.state.lock();
        let waiter = state.waiting.get(key)?;
        Arc::ptr_eq(&waiter.heard, heard).then(|| waiter.asked.clone())
    }

    /// Changes whenever a segment begins or ceases to be waited for, or a window opens or closes.
    pub(crate) fn changes(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    /// Whether anything is waited for, and nothing of it is one's own.
    pub(crate) fn others_wait(&self, is_own: impl Fn(&SegmentKey) -> bool) -> bool {
        let state = self.state.lock();
        !state.waiting.is_empty() && !state.waiting.keys().any(is_own)
    }

    /// Who waits for any of these, the most urgent.
    pub(crate) fn asked_of(&self, of: impl Fn(&SegmentKey) -> bool) -> Option<Asked> {
        let state = self.state.lock();
        let waiting = state.waiting.iter().filter(|(key, _)| of(key));
        let asked = waiting.map(|(_, waiter)| &waiter.asked);
        let urgent = asked.min_by_key(|asked| (!asked.second_try, asked.deadline));
        urgent.cloned()
    }

    /// Whether somebody waits for it.
    pub(crate) fn is_waited_for(&self, key: &SegmentKey) -> bool {
        self.state.lock().waiting.contains_key(key)
    }
}

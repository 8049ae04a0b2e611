//! One request that waits for a segment.

use std::sync::Arc;

use bytes::Bytes;
use plan::{Plan, SegmentKey};
use store::Moment;
use tokio::sync::{Notify, watch};

use super::board::{Waiter, Waiting};
use crate::encoding::background_gate::GateClosed;
use crate::encoding::turns::{Asked, Network, Viewer};

/// Requests that may wait at once: each is an open connection.
const REQUESTS: usize = 4096;
/// One waiting request; dropping it takes it off the board.
pub(crate) struct Request<'a> {
    board: &'a Waiting,
    network: Option<Network>,
    began: Moment,
    pub(crate) key: SegmentKey,
    pub(crate) plan: Arc<Plan>,
    /// For the first request of a segment only: notified when another process says that the segment is stored.
    pub(crate) first: Option<Arc<Notify>>,
    made: watch::Receiver<Option<Bytes>>,
    /// Whether the request got its segment; others are remembered as unserved.
    pub(crate) served: bool,
    /// Keeps the background paused while the request waits.
    _gate_closed: GateClosed,
}

impl<'a> Request<'a> {
    pub(crate) fn new(
        board: &'a Waiting,
        plan: &Arc<Plan>,
        key: SegmentKey,
        viewer: &Viewer,
        second_try: bool,
    ) -> Option<Self> {
        let gate_closed = board.gate.hold_closed();
        let mut guard = board.state.lock();
        let state = &mut *guard;
        let known = state.waiting.contains_key(&key);
        let is_full =
            || state.waiting.len() >= board.most_segments || state.has_its_share(viewer.network);
        if state.requests >= REQUESTS || (!known && is_full()) {
            return None;
        }
        let (began, patience) = (board.clock.now(), board.patience);
        let left = viewer.deadline.map_or(patience, |d| d.min(patience));
        let (deadline, until) = (began + left, began + patience);
        let second_try = state.unserved.take(viewer.network, &key) || second_try;
        let waiter = state.waiting.entry(key).or_insert_with(|| Waiter {
            made: watch::Sender::new(None),
            requests: 0,
            asked: Asked {
                viewer: viewer.clone(),
                second_try: false,
                deadline,
                until,
            },
            plan: plan.clone(),
            heard: Arc::new(Notify::new()),
        });
        waiter.requests += 1;
        let asked = &mut waiter.asked;
        asked.deadline = asked.deadline.min(deadline);
        asked.until = asked.until.max(until);
        asked.second_try |= second_try;
        // A request keeps the best rank of all who wait with it, so that nobody is served later because of who asked
        // first.
        let rank = |viewer: &Viewer| board.turns.rank(viewer, key.video);
        if rank(viewer) < rank(&asked.viewer) {
            asked.viewer = viewer.clone();
        }
        let made = waiter.made.subscribe();
        let first = (!known).then(|| waiter.heard.clone());
        state.requests += 1;
        drop(guard);
        if !known {
            board.notify_change();
        }
        Some(Self {
            board,
            network: viewer.network,
            began,
            key,
            plan: plan.clone(),
            first,
            made,
            served: false,
            _gate_closed: gate_closed,
        })
    }

    /// Waits for the segment's bytes; `None` if making the segment was given up.
    pub(crate) async fn wait(&mut self) -> Option<Bytes> {
        let made = self.made.wait_for(Option::is_some).await.ok()?;
        self.served = true;
        made.clone()
    }
}

impl Drop for Request<'_> {
    fn drop(&mut self) {
        let board = self.board;
        let waited = board.clock.now().since(self.began);
        let mut guard = board.state.lock();
        let state = &mut *guard;
        state.requests -= 1;
        // The entry may belong to later requests, which came after this request was answered.
        let own = |waiter: &&mut Waiter| waiter.made.subscribe().same_channel(&self.made);
        let mut left = false;
        if let Some(waiter) = state.waiting.get_mut(&self.key).filter(own) {
            waiter.requests -= 1;
            left = waiter.requests == 0;
        }
        if left {
            state.waiting.remove(&self.key);
        }
        // A client that goes away at once, to come again, has not waited in vain.
        if !self.served && waited >= board.patience / 2 {
            state.unserved.put(self.network, self.key);
        }
        drop(guard);
        if left {
            board.notify_change();
        }
    }
}

//! A request that waits for a segment.

use std::sync::Arc;

use bytes::Bytes;
use plan::{Plan, SegmentKey};
use tokio::sync::{Notify, watch};

use super::{Demands, Waiter};
use crate::calm::Busy;
use crate::inner::{Inner, Role};
use crate::turns::{Asked, Viewer};

/// Requests that may wait in all: each is an open connection.
const REQUESTS: usize = 4096;
/// Segments that may be waited for in all: more than a minute's work of two cores.
const SEGMENTS: usize = 256;
/// As much for each of a worker's places: others may have time.
const SEGMENTS_OF_A_PLACE: usize = 4;
/// Requests that went away unserved and are remembered: the second try outranks the first,
/// since some players give up for good after it.
const REMEMBERED: usize = 256;

/// A request that waits; no more when dropped.
pub(crate) struct Request<'a> {
    demands: &'a Demands,
    pub(super) key: SegmentKey,
    pub(super) plan: Arc<Plan>,
    /// Where nobody waited for it before: told when it is said to be stored.
    pub(super) first: Option<Arc<Notify>>,
    made: watch::Receiver<Option<Bytes>>,
    pub(super) served: bool,
    _busy: Busy,
}

impl<'a> Request<'a> {
    pub(super) fn new(
        inner: &'a Inner,
        plan: &Arc<Plan>,
        key: SegmentKey,
        viewer: &Viewer,
        second_try: bool,
    ) -> Option<Self> {
        let demands = &inner.demands;
        let busy = inner.calm.disturb();
        let mut guard = demands.state.lock();
        let state = &mut *guard;
        let known = state.waiting.contains_key(&key);
        let is_full = || {
            state.waiting.len() >= segments_at_most(inner) || state.has_its_share(viewer.network)
        };
        if state.requests >= REQUESTS || (!known && is_full()) {
            return None;
        }
        let patience = inner.config.demand_wait;
        let patience = viewer.deadline.map_or(patience, |d| d.min(patience));
        let deadline = inner.stores.clock.now() + patience;
        let remembered = state.unserved.iter().position(|unserved| *unserved == key);
        if let Some(position) = remembered {
            state.unserved.remove(position);
        }
        let waiter = state.waiting.entry(key).or_insert_with(|| Waiter {
            made: watch::Sender::new(None),
            requests: 0,
            asked: Asked {
                viewer: viewer.clone(),
                second_try: false,
                deadline,
            },
            plan: plan.clone(),
            heard: Arc::new(Notify::new()),
        });
        waiter.requests += 1;
        waiter.asked.deadline = waiter.asked.deadline.min(deadline);
        waiter.asked.second_try |= second_try || remembered.is_some();
        let made = waiter.made.subscribe();
        let first = (!known).then(|| waiter.heard.clone());
        state.requests += 1;
        drop(guard);
        if !known {
            demands.tell();
        }
        Some(Self {
            demands,
            key,
            plan: plan.clone(),
            first,
            made,
            served: false,
            _busy: busy,
        })
    }

    /// The segment's bytes; nothing where it was given up.
    pub(crate) async fn wait(&mut self) -> Option<Bytes> {
        let made = self.made.wait_for(Option::is_some).await.ok()?;
        self.served = true;
        made.clone()
    }
}

impl Drop for Request<'_> {
    fn drop(&mut self) {
        let mut guard = self.demands.state.lock();
        let state = &mut *guard;
        state.requests -= 1;
        // The entry may be a later one, of requests that came after this was resolved.
        let own = |waiter: &&mut Waiter| waiter.made.subscribe().same_channel(&self.made);
        let mut left = false;
        if let Some(waiter) = state.waiting.get_mut(&self.key).filter(own) {
            waiter.requests -= 1;
            left = waiter.requests == 0;
        }
        if left {
            state.waiting.remove(&self.key);
        }
        if !self.served {
            state.unserved.truncate(REMEMBERED - 1);
            state.unserved.push_front(self.key);
        }
        drop(guard);
        if left {
            self.demands.tell();
        }
    }
}

fn segments_at_most(inner: &Inner) -> usize {
    match inner.role {
        Role::Worker(..) => SEGMENTS_OF_A_PLACE * inner.turns.places(),
        Role::Alone(_) | Role::Origin => SEGMENTS,
    }
}

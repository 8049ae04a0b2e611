//! Who is at which segment this moment, so that nobody starts what somebody else is at.
//! Within one process and only a saving: two workers that make the same segment do no harm.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use parking_lot::Mutex;
use plan::{RenditionId, SegmentKey, VideoId};
use tokio::sync::broadcast;

use crate::records::Records;

/// Claims that a session may be late to hear of; those it misses cost a segment made twice.
const TOLD: usize = 256;

/// A segment that a session has taken on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Claimed {
    pub(crate) run: u64,
    pub(crate) key: SegmentKey,
}

pub(crate) struct ClaimBoard {
    records: Arc<Records>,
    state: Mutex<State>,
    told: broadcast::Sender<Claimed>,
    released: broadcast::Sender<VideoId>,
}

#[derive(Default)]
struct State {
    claims: HashMap<SegmentKey, u64>,
    runs: u64,
}

impl ClaimBoard {
    pub(crate) fn new(records: &Arc<Records>) -> Self {
        Self {
            records: records.clone(),
            state: Mutex::default(),
            told: broadcast::Sender::new(TOLD),
            released: broadcast::Sender::new(TOLD),
        }
    }

    /// Videos of which a session gave segments back: whoever waits for them must be served by another session.
    pub(crate) fn released(&self) -> broadcast::Receiver<VideoId> {
        self.released.subscribe()
    }

    /// Whether any session is at it.
    pub(crate) fn is_claimed(&self, key: &SegmentKey) -> bool {
        self.state.lock().claims.contains_key(key)
    }
}

/// What one session is at; given back when it ends.
pub(crate) struct Claims {
    board: Arc<ClaimBoard>,
    run: u64,
    video: VideoId,
    held: HashSet<SegmentKey>,
}

impl Claims {
    pub(crate) fn new(board: &Arc<ClaimBoard>, video: VideoId) -> Self {
        let mut state = board.state.lock();
        state.runs += 1;
        Self {
            board: board.clone(),
            run: state.runs,
            video,
            held: HashSet::new(),
        }
    }

    pub(crate) fn key(&self, rendition: RenditionId, index: u32) -> SegmentKey {
        SegmentKey {
            video: self.video,
            rendition,
            index,
        }
    }

    /// Takes a segment on; tells whether it is ours now.
    pub(crate) fn claim(&mut self, key: SegmentKey) -> bool {
        let mut state = self.board.state.lock();
        let owner = *state.claims.entry(key).or_insert(self.run);
        drop(state);
        if owner != self.run {
            return false;
        }
        if self.held.insert(key) {
            // Nobody else at work is fine.
            let _ = self.board.told.send(Claimed { run: self.run, key });
        }
        true
    }

    /// Whether another session is at it.
    pub(crate) fn is_others(&self, key: &SegmentKey) -> bool {
        let state = self.board.state.lock();
        state.claims.get(key).is_some_and(|run| *run != self.run)
    }

    pub(crate) fn holds(&self, key: &SegmentKey) -> bool {
        self.held.contains(key)
    }

    /// Claims of others, as they are made.
    pub(crate) fn others(&self) -> broadcast::Receiver<Claimed> {
        self.board.told.subscribe()
    }

    pub(crate) fn is_own(&self, claimed: &Claimed) -> bool {
        claimed.run == self.run
    }

    pub(crate) fn video(&self) -> VideoId {
        self.video
    }

    pub(crate) fn release(&mut self, key: &SegmentKey) {
        if self.held.remove(key) {
            self.board.state.lock().claims.remove(key);
        }
    }

    /// Gives everything back. Who waits for any of it must be served by somebody else.
    pub(crate) fn release_all(&mut self) {
        if self.held.is_empty() {
            return;
        }
        let mut state = self.board.state.lock();
        for key in self.held.drain() {
            state.claims.remove(&key);
        }
        drop(state);
        // Nobody may wait for any of them.
        let _ = self.board.released.send(self.video);
        self.board.records.backlog_changed.notify_one();
    }
}

impl Drop for Claims {
    fn drop(&mut self) {
        self.release_all();
    }
}

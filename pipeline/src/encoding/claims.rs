//! Claims: which session of this process makes which segment now, so that no other session starts the same one. Claims
//! only save work: two workers that make the same segment do no harm.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use parking_lot::Mutex;
use plan::{RenditionId, SegmentKey, VideoId};
use tokio::sync::broadcast;

use crate::records::Records;

/// Claims that are kept for a session that is slow to read them. A session that misses a claim makes a segment twice,
/// and nothing worse.
const KEPT: usize = 256;

/// News that a session has claimed a segment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Claimed {
    pub(crate) session: u64,
    pub(crate) key: SegmentKey,
}

/// The claims of all sessions of a process.
pub(crate) struct ClaimBoard {
    records: Arc<Records>,
    state: Mutex<State>,
    /// Tells all sessions of every new claim.
    news: broadcast::Sender<Claimed>,
    /// Tells of videos of which a session gave claims back.
    released: broadcast::Sender<VideoId>,
}

/// The session that claimed each segment, by number, and the number of the last session.
#[derive(Default)]
struct State {
    claims: HashMap<SegmentKey, u64>,
    sessions: u64,
}

impl ClaimBoard {
    pub(crate) fn new(records: &Arc<Records>) -> Self {
        Self {
            records: records.clone(),
            state: Mutex::default(),
            news: broadcast::Sender::new(KEPT),
            released: broadcast::Sender::new(KEPT),
        }
    }

    /// Subscribes to the videos of which a session gave claimed segments back: another session must serve the requests
    /// that wait for them.
    pub(crate) fn released(&self) -> broadcast::Receiver<VideoId> {
        self.released.subscribe()
    }

    /// Whether any session of this process is making this segment.
    pub(crate) fn is_claimed(&self, key: &SegmentKey) -> bool {
        self.state.lock().claims.contains_key(key)
    }
}

/// The claims of one session; they are given back when this is dropped.
pub(crate) struct Claims {
    board: Arc<ClaimBoard>,
    session: u64,
    video: VideoId,
    held: HashSet<SegmentKey>,
}

impl Claims {
    pub(crate) fn new(board: &Arc<ClaimBoard>, video: VideoId) -> Self {
        let mut state = board.state.lock();
        state.sessions += 1;
        Self {
            board: board.clone(),
            session: state.sessions,
            video,
            held: HashSet::new(),
        }
    }

    /// The key of a segment of the session's video.
    pub(crate) fn key(&self, rendition: RenditionId, index: u32) -> SegmentKey {
        SegmentKey {
            video: self.video,
            rendition,
            index,
        }
    }

    /// Claims a segment for this session; returns whether this session has the claim now.
    pub(crate) fn claim(&mut self, key: SegmentKey) -> bool {
        let mut state = self.board.state.lock();
        let owner = *state.claims.entry(key).or_insert(self.session);
        drop(state);
        if owner != self.session {
            return false;
        }
        if self.held.insert(key) {
            // An error means that no other session listens.
            let _ = self.board.news.send(Claimed {
                session: self.session,
                key,
            });
        }
        true
    }

    /// Whether another session has claimed this segment.
    pub(crate) fn is_claimed_by_other(&self, key: &SegmentKey) -> bool {
        let state = self.board.state.lock();
        state
            .claims
            .get(key)
            .is_some_and(|owner| *owner != self.session)
    }

    /// Whether this session has claimed a segment.
    pub(crate) fn holds(&self, key: &SegmentKey) -> bool {
        self.held.contains(key)
    }

    /// Subscribes to the claims of all sessions as they are made, this session's included.
    pub(crate) fn subscribe(&self) -> broadcast::Receiver<Claimed> {
        self.board.news.subscribe()
    }

    /// Whether the news is of a claim of this session.
    pub(crate) fn is_own(&self, claimed: &Claimed) -> bool {
        claimed.session == self.session
    }

    /// The video of the session.
    pub(crate) fn video(&self) -> VideoId {
        self.video
    }

    /// Gives one claim back, because its segment is stored.
    pub(crate) fn release(&mut self, key: &SegmentKey) {
        if self.held.remove(key) {
            self.board.state.lock().claims.remove(key);
        }
    }

    /// Gives all claims back. Another session must serve the requests that wait for these segments.
    pub(crate) fn release_all(&mut self) {
        if self.held.is_empty() {
            return;
        }
        let mut state = self.board.state.lock();
        for key in self.held.drain() {
            state.claims.remove(&key);
        }
        drop(state);
        // An error means that nobody listens.
        let _ = self.board.released.send(self.video);
        self.board.records.backlog_changed.notify_one();
    }
}

impl Drop for Claims {
    fn drop(&mut self) {
        self.release_all();
    }
}

//! The order in which chunks are handed out. Pure: time comes in as an argument.

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};

use plan::{OwnerId, VideoId};

use crate::clock::Moment;
use crate::work::{Chunk, Offered, Scope};

/// Chunks that wait. The reconciler offers a few at a time; a full queue costs about
/// 200 kB and a take looks at all of it.
const WAITING: usize = 1024;

/// Owners whose last turn is remembered.
const OWNERS: usize = 1024;

type Identity = (VideoId, String, u32, Scope);

fn identity(chunk: &Chunk) -> Identity {
    (chunk.video, chunk.plan.clone(), chunk.chunk, chunk.scope)
}

/// Chunks that wait or are in hand; each at most once.
#[derive(Default)]
pub(super) struct Queue {
    waiting: Vec<Waiting>,
    known: HashSet<Identity>,
    /// When each owner was last served, counted in takes.
    turns: HashMap<OwnerId, u64>,
    takes: u64,
    offers: u64,
}

struct Waiting {
    chunk: Chunk,
    not_before: Moment,
    offer: u64,
}

/// What there is to take.
pub(super) enum Next {
    Chunk(Chunk),
    /// Nothing before then.
    At(Moment),
    Nothing,
}

impl Queue {
    pub(super) fn offer(&mut self, chunk: Chunk, now: Moment) -> Offered {
        let identity = identity(&chunk);
        if self.known.contains(&identity) {
            return Offered::Already;
        }
        if self.waiting.len() >= WAITING {
            return Offered::Full;
        }
        self.known.insert(identity);
        self.push(chunk, now);
        Offered::Queued
    }

    /// The next chunk: the most urgent, of the owner who has waited longest since their
    /// last turn, first come.
    pub(super) fn take(&mut self, now: Moment) -> Next {
        let turn = |chunk: &Chunk| self.turns.get(&chunk.owner).copied().unwrap_or(0);
        let best = (self.waiting.iter().enumerate())
            .filter(|(_, waiting)| waiting.not_before <= now)
            .min_by_key(|(_, w)| (w.chunk.priority, turn(&w.chunk), w.offer))
            .map(|(at, _)| at);
        match best {
            Some(at) => {
                let chunk = self.waiting.swap_remove(at).chunk;
                self.served(chunk.owner);
                Next::Chunk(chunk)
            }
            None => match self.waiting.iter().map(|waiting| waiting.not_before).min() {
                Some(moment) => Next::At(moment),
                None => Next::Nothing,
            },
        }
    }

    /// A chunk has left its worker's hands: for good, or to come again at a time.
    pub(super) fn settle(&mut self, chunk: Chunk, again_at: Option<Moment>) {
        match again_at {
            // Past `WAITING` if need be: those in hand are as few as the workers.
            Some(moment) => self.push(chunk, moment),
            None => {
                self.known.remove(&identity(&chunk));
            }
        }
    }

    fn push(&mut self, chunk: Chunk, not_before: Moment) {
        self.offers += 1;
        self.waiting.push(Waiting {
            chunk,
            not_before,
            offer: self.offers,
        });
    }

    fn served(&mut self, owner: OwnerId) {
        self.takes += 1;
        self.turns.insert(owner, self.takes);
        if self.turns.len() > OWNERS {
            // Who waited longest would be first in any case.
            let oldest = self.turns.iter().max_by_key(|(_, turn)| Reverse(**turn));
            if let Some(owner) = oldest.map(|(owner, _)| *owner) {
                self.turns.remove(&owner);
            }
        }
    }
}

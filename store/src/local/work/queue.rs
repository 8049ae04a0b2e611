//! The order in which chunks are handed out. Pure: time comes in as an argument.

use std::collections::{HashSet, VecDeque};

use plan::VideoId;

use crate::clock::Moment;
use crate::work::{Chunk, Offered};

/// Chunks that wait. The reconciler offers a few at a time.
const WAITING: usize = 1024;

/// Chunks that wait or are in hand; each at most once.
#[derive(Default)]
pub(super) struct Queue {
    waiting: VecDeque<Waiting>,
    known: HashSet<Chunk>,
}

struct Waiting {
    chunk: Chunk,
    not_before: Moment,
}

/// What there is to take.
pub(super) enum Next {
    Chunk(Chunk),
    /// Nothing before then.
    At(Moment),
    Nothing,
}

impl Queue {
    pub(super) fn offer(&mut self, chunk: &Chunk, now: Moment) -> Offered {
        if self.known.contains(chunk) {
            return Offered::Already;
        }
        if self.waiting.len() >= WAITING {
            return Offered::Full;
        }
        self.known.insert(chunk.clone());
        self.push(chunk.clone(), now);
        Offered::Queued
    }

    /// Whether it waited to be taken; it does no more.
    pub(super) fn withdraw(&mut self, chunk: &Chunk, now: Moment) -> bool {
        let is_it = |waiting: &Waiting| waiting.chunk == *chunk && waiting.not_before <= now;
        let at = self.waiting.iter().position(is_it);
        at.and_then(|at| self.waiting.remove(at))
            .is_some_and(|waiting| self.known.remove(&waiting.chunk))
    }

    /// The chunk that was offered first, of those whose time has come.
    pub(super) fn take(&mut self, now: Moment) -> Next {
        let due = |waiting: &Waiting| waiting.not_before <= now;
        let first = self.waiting.iter().position(due);
        match first.and_then(|at| self.waiting.remove(at)) {
            Some(first) => Next::Chunk(first.chunk),
            None => match self.waiting.iter().map(|waiting| waiting.not_before).min() {
                Some(moment) => Next::At(moment),
                None => Next::Nothing,
            },
        }
    }

    /// The first of a video's chunks whose time has come.
    pub(super) fn take_more_of(&mut self, video: VideoId, now: Moment) -> Option<Chunk> {
        let due = |waiting: &Waiting| waiting.chunk.video == video && waiting.not_before <= now;
        let at = self.waiting.iter().position(due)?;
        self.waiting.remove(at).map(|waiting| waiting.chunk)
    }

    /// A chunk has left its worker's hands: for good, or to come again at a time.
    pub(super) fn settle(&mut self, chunk: Chunk, again_at: Option<Moment>) {
        match again_at {
            // Past `WAITING` if need be: those in hand are as few as the workers.
            Some(moment) => self.push(chunk, moment),
            None => {
                self.known.remove(&chunk);
            }
        }
    }

    fn push(&mut self, chunk: Chunk, not_before: Moment) {
        self.waiting.push_back(Waiting { chunk, not_before });
    }
}

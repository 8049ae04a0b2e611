//! The order in which chunks are handed out, as pure code: the time is an argument.

use std::collections::{HashSet, VecDeque};

use plan::VideoId;

use crate::clock::Moment;
use crate::work::{Chunk, Offered};

/// Largest number of waiting chunks. The reconciler offers a few at a time.
const MOST_WAITING: usize = 1024;

/// Chunks that wait or are taken. Each chunk is in the queue at most once.
#[derive(Default)]
pub(super) struct Queue {
    waiting: VecDeque<Waiting>,
    known: HashSet<Chunk>,
}

struct Waiting {
    chunk: Chunk,
    not_before: Moment,
}

/// Result of taking a chunk.
pub(super) enum Next {
    Chunk(Chunk),
    /// No chunk can be taken before this moment.
    At(Moment),
    Nothing,
}

impl Queue {
    pub(super) fn offer(&mut self, chunk: &Chunk, now: Moment) -> Offered {
        if self.known.contains(chunk) {
            return Offered::Already;
        }
        if self.waiting.len() >= MOST_WAITING {
            return Offered::Full;
        }
        self.known.insert(chunk.clone());
        self.push(chunk.clone(), now);
        Offered::Queued
    }

    /// Removes a waiting chunk. Returns whether it was waiting.
    pub(super) fn withdraw(&mut self, chunk: &Chunk, now: Moment) -> bool {
        let is_it = |waiting: &Waiting| waiting.chunk == *chunk && waiting.not_before <= now;
        let at = self.waiting.iter().position(is_it);
        at.and_then(|at| self.waiting.remove(at))
            .is_some_and(|waiting| self.known.remove(&waiting.chunk))
    }

    /// Takes the chunk that was offered first among those whose time has come.
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

    /// Takes the first chunk of a video whose time has come.
    pub(super) fn take_more_of(&mut self, video: VideoId, now: Moment) -> Option<Chunk> {
        let due = |waiting: &Waiting| waiting.chunk.video == video && waiting.not_before <= now;
        let at = self.waiting.iter().position(due)?;
        self.waiting.remove(at).map(|waiting| waiting.chunk)
    }

    /// Ends the processing of a taken chunk: for good, or until it is handed out again at `again_at`.
    pub(super) fn settle(&mut self, chunk: Chunk, again_at: Option<Moment>) {
        match again_at {
            // This may exceed `MOST_WAITING`, but only by as many chunks as there are workers.
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

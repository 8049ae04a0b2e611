//! A stretch of a plan, offered and taken.

use std::time::Duration;

use plan::VideoId;
use serde::{Deserialize, Serialize};

/// A stretch of a plan to make.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Chunk {
    /// Of which video.
    pub video: VideoId,
    /// The hash of the plan that fixes it.
    pub plan: String,
    /// Of what.
    pub scope: Scope,
    /// Which one, from 0: a chunk of segments, a sheet, a segment in a lazy codec; 0 of what there
    /// is one.
    pub index: u32,
}

/// What of a plan a chunk is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// Segments of the start rungs and of the sound.
    Start,
    /// Whatever segments are unmade.
    All,
    /// The poster.
    Poster,
    /// A sheet of the storyboard.
    Sheet,
    /// The cues of its text.
    Texts,
    /// How loud it is.
    Loudness,
    /// Init segments of the lazy codec that is to be made.
    Inits,
    /// A segment of it.
    Lazy,
}

/// What became of an offer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Offered {
    /// It waits for a worker.
    Queued,
    /// The same one waits already, or is in hand.
    Already,
    /// Too many wait; offer again when some are done.
    Full,
}

/// A chunk that a worker has taken. Dropped unsettled, it is offered again at once.
pub struct InHand {
    chunk: Chunk,
    settle: Option<Box<dyn Settle>>,
}

/// How an implementation learns what became of a chunk.
pub trait Settle: Send + Sync {
    /// `None`: done with; otherwise it is offered again after that time.
    fn settle(self: Box<Self>, again_after: Option<Duration>);
}

impl InHand {
    /// For implementations.
    pub fn new(chunk: Chunk, settle: Box<dyn Settle>) -> Self {
        Self {
            chunk,
            settle: Some(settle),
        }
    }

    /// What to make.
    pub const fn chunk(&self) -> &Chunk {
        &self.chunk
    }

    /// Done with, made or not: the same chunk may be offered anew.
    pub fn ack(mut self) {
        self.settle(None);
    }

    /// Not now: comes again after `delay`.
    pub fn nack(mut self, delay: Duration) {
        self.settle(Some(delay));
    }

    fn settle(&mut self, again_after: Option<Duration>) {
        if let Some(settle) = self.settle.take() {
            settle.settle(again_after);
        }
    }
}

impl Drop for InHand {
    fn drop(&mut self) {
        self.settle(Some(Duration::ZERO));
    }
}

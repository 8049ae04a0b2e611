//! Chunks: portions of a plan that are offered to workers and taken by them.

use std::time::Duration;

use plan::VideoId;
use serde::{Deserialize, Serialize};

/// Portion of a plan to be made.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Chunk {
    /// Video to which the plan belongs.
    pub video: VideoId,
    /// Hash of the plan that defines the chunk.
    pub plan: String,
    /// Kind of the objects in the chunk.
    pub scope: Scope,
    /// Index within its kind, counted from 0: a chunk of segments, a storyboard sheet, or a segment in a lazy codec.
    /// It is 0 for kinds with a single chunk.
    pub index: u32,
}

/// Kind of the objects in a chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// Segments of the start rungs and of the audio.
    Start,
    /// All segments that are not made yet.
    All,
    /// The poster.
    Poster,
    /// A sheet of the storyboard.
    Sheet,
    /// The cues of the text tracks.
    Texts,
    /// The loudness of the audio.
    Loudness,
    /// Init segments of the lazy codec that is made next.
    Inits,
    /// A segment of the lazy codec that is made next.
    Lazy,
}

/// Result of an offer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Offered {
    /// The chunk waits for a worker.
    Queued,
    /// The same chunk waits already, or is taken.
    Already,
    /// The queue is full. The chunk is to be offered again when others are done.
    Full,
}

/// Chunk that a worker has taken. If it is dropped unsettled, it is handed out again at once.
pub struct InHand {
    chunk: Chunk,
    settle: Option<Box<dyn Settle>>,
}

/// Callback through which an implementation learns that a worker is done with a chunk.
pub trait Settle: Send + Sync {
    /// Settles the chunk: for good if `again_after` is `None`, otherwise it is handed out again after this time.
    fn settle(self: Box<Self>, again_after: Option<Duration>);
}

impl InHand {
    /// Creates a taken chunk. Only implementations of [`super::Work`] call it.
    pub fn new(chunk: Chunk, settle: Box<dyn Settle>) -> Self {
        Self {
            chunk,
            settle: Some(settle),
        }
    }

    /// The chunk to make.
    pub const fn chunk(&self) -> &Chunk {
        &self.chunk
    }

    /// Settles the chunk for good, whether it was made or not. The same chunk may be offered again.
    pub fn ack(mut self) {
        self.settle(None);
    }

    /// Hands the chunk back. It is handed out again after `delay`.
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

//! Answers of the pipeline to its callers: errors, segments and progress.

use std::time::Duration;

use bytes::Bytes;

/// Reason why a segment, an init segment or a still was not handed out.
#[derive(Debug, thiserror::Error)]
pub enum DemandError {
    /// No plan lists the requested object.
    #[error("no such video, rendition or segment")]
    NotFound,
    /// The object is being made, or cannot be made now; ask again.
    #[error("the segment or still is not made yet")]
    NotReady,
    /// No worker can continue the rendition, and newer playlists have another one in its place.
    #[error("another rendition has taken the place of this one")]
    Gone,
    /// The store did not answer.
    #[error("the store did not answer: {0}")]
    Store(#[from] store::Error),
}

/// A segment, and how long the request waited for it.
#[derive(Clone, Debug)]
pub struct Delivered {
    /// The whole object.
    pub bytes: Bytes,
    /// Time that the request waited until the segment was made; zero where it was stored.
    pub made_in: Duration,
}

/// The workers of a cluster, and the work that is left for them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Crew {
    /// Workers that have announced themselves lately.
    pub workers: u64,
    /// Workers that would make everything within [`Config::finish_within`].
    pub wanted: u64,
    /// Seconds of media that are left to make.
    pub left_seconds: u64,
}

/// Progress of a video in segments.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Number of segments that are stored.
    pub made: u64,
    /// Number of segments that the plan lists.
    pub total: u64,
}

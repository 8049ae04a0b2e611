//! What callers of the pipeline are answered with.

use std::time::Duration;

use bytes::Bytes;

/// Why a segment, an init segment or a still was not handed out.
#[derive(Debug, thiserror::Error)]
pub enum DemandError {
    /// No plan lists it.
    #[error("no such video, rendition or segment")]
    NotFound,
    /// It is being made, or cannot be made now; ask again.
    #[error("not made yet")]
    NotReady,
    /// Nobody can go on with the rendition: another one stands for it in newer lists.
    #[error("another rendition stands for this one")]
    Gone,
    /// The store did not answer.
    #[error("the store did not answer: {0}")]
    Store(#[from] store::Error),
}

/// A segment, and how long it was waited for.
#[derive(Clone, Debug)]
pub struct Delivered {
    /// The whole object.
    pub bytes: Bytes,
    /// Time spent waiting for it to be made; nought where it was stored.
    pub made_in: Duration,
}

/// The workers of a cluster, and what is left for them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Crew {
    /// Those that are heard of.
    pub workers: u64,
    /// As many would have everything made in [`Config::finish_within`].
    pub wanted: u64,
    /// Seconds of media that are left to make.
    pub left_seconds: u64,
}

/// How far a video is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Segments stored.
    pub made: u64,
    /// Segments of the plan.
    pub total: u64,
}

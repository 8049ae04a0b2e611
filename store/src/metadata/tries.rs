//! How often each segment was tried in vain, and which are fillers.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use plan::{RenditionId, SegmentKey, VideoId};

use crate::Error;

/// What a segment has cost so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TryRow {
    /// Tries that failed by the segment's own doing, seen by a living parent.
    pub counted: u32,
    /// Ends that nobody saw: a mark stood when the next session set its own.
    pub unexplained: u32,
    /// A session is, or was when all died, at this segment.
    pub marked: bool,
}

/// Tries and fillers per segment. Every method is atomic.
#[async_trait]
pub trait Tries: Send + Sync {
    /// What is known of a segment; noughts if nothing is.
    async fn get(&self, key: &SegmentKey) -> Result<TryRow, Error>;

    /// Counts a try that failed, and takes the mark away.
    async fn record_try(&self, key: &SegmentKey) -> Result<TryRow, Error>;

    /// Sets the mark before a session starts at a segment. If one stands already, the
    /// session that set it ended unexplained, and that is counted.
    async fn mark(&self, key: &SegmentKey) -> Result<TryRow, Error>;

    /// Takes the mark away: the session has left the segment behind, or ended in order.
    async fn unmark(&self, key: &SegmentKey) -> Result<(), Error>;

    /// All that is known of a video's segments; those with noughts are not among them.
    async fn list(&self, video: &VideoId) -> Result<BTreeMap<(RenditionId, u32), TryRow>, Error>;

    /// Replaces what is known of a segment.
    async fn put(&self, key: &SegmentKey, row: TryRow) -> Result<(), Error>;

    /// Notes that what is stored at a segment is a filler. Again is no error.
    async fn record_filler(&self, key: &SegmentKey) -> Result<(), Error>;

    /// A video's fillers.
    async fn fillers(&self, video: &VideoId) -> Result<BTreeSet<(RenditionId, u32)>, Error>;

    /// Forgets a video's tries and marks, so that it can be tried again; stored fillers
    /// stay noted, since published bytes stay.
    async fn clear(&self, video: &VideoId) -> Result<(), Error>;

    /// Forgets everything of a video that is gone.
    async fn remove(&self, video: &VideoId) -> Result<(), Error>;
}

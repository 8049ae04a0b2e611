//! Failed tries of segments, and the segments that are fillers.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use plan::{RenditionId, SegmentKey, VideoId};

use crate::Error;

/// Failures of a segment so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TryRow {
    /// Number of tries in which the engine failed at this segment, as its parent saw. Deaths that nobody saw are in
    /// `unexplained`.
    pub counted: u32,
    /// Number of sessions that ended unobserved: their mark still stood when the next session set its own.
    pub unexplained: u32,
    /// Whether a session works at the segment, or worked at it when all processes died.
    pub marked: bool,
}

/// Repository of tries and fillers by segment. Every method is atomic.
#[async_trait]
pub trait Tries: Send + Sync {
    /// Reads the failures of a segment; all zero if there are none.
    async fn get(&self, key: &SegmentKey) -> Result<TryRow, Error>;

    /// Counts a failed try and removes the mark.
    async fn record_try(&self, key: &SegmentKey) -> Result<TryRow, Error>;

    /// Sets the mark before a session starts a segment. If a mark stands already, the session that set it ended
    /// unobserved, and that is counted.
    async fn mark(&self, key: &SegmentKey) -> Result<TryRow, Error>;

    /// Removes the mark, because the session has finished the segment or ended in order.
    async fn unmark(&self, key: &SegmentKey) -> Result<(), Error>;

    /// Reads the failures of all segments of a video. Segments without any are not listed.
    async fn list(&self, video: &VideoId) -> Result<BTreeMap<(RenditionId, u32), TryRow>, Error>;

    /// Replaces the failures of a segment.
    async fn put(&self, key: &SegmentKey, row: TryRow) -> Result<(), Error>;

    /// Records that the stored segment is a filler. Repetition is not an error.
    async fn record_filler(&self, key: &SegmentKey) -> Result<(), Error>;

    /// Reads the fillers of a video.
    async fn fillers(&self, video: &VideoId) -> Result<BTreeSet<(RenditionId, u32)>, Error>;

    /// Removes a video's tries and marks, so that it can be tried again. Fillers stay recorded, since published bytes
    /// never change.
    async fn clear(&self, video: &VideoId) -> Result<(), Error>;

    /// Removes everything about a video that no longer exists.
    async fn remove(&self, video: &VideoId) -> Result<(), Error>;
}

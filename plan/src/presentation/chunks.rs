//! Chunks: groups of consecutive segments in which background work is handed out. The plan fixes them.

use crate::presentation::model::Plan;
use crate::timeline::TimeLine;

/// Number of segments in each chunk after the first two.
const CHUNK_SEGMENTS: usize = 8;

impl Plan {
    /// Number of chunks of the presentation.
    pub fn chunks(&self) -> u32 {
        starts(&self.timeline).len() as u32
    }

    /// First segment of a chunk, and first segment after it. Chunk 0 has the segments that start before 4 s, chunk 1
    /// those that start before 12 s; later chunks have eight segments each.
    pub fn chunk_segments(&self, chunk: u32) -> (u32, u32) {
        let starts = starts(&self.timeline);
        let at = |i: usize| starts.get(i).copied().unwrap_or_else(|| self.segments());
        let chunk = chunk as usize;
        (at(chunk), at(chunk.saturating_add(1)))
    }

    /// Index of the chunk to which a segment belongs.
    pub fn chunk_of(&self, segment: u32) -> u32 {
        let starts = starts(&self.timeline);
        let after = starts.partition_point(|&start| start <= segment) as u32;
        after.saturating_sub(1)
    }
}

/// First segment of every chunk.
pub(super) fn starts(timeline: &TimeLine) -> Vec<u32> {
    let segments = timeline.segments();
    let before = |seconds: i64| {
        let limit = seconds * 1_000_000;
        let starts = timeline.boundaries.get(..segments as usize).unwrap_or(&[]);
        starts.partition_point(|&tick| timeline.frame_us(tick) < limit) as u32
    };
    let (first, second) = (before(4), before(12));
    let later = (second..segments).step_by(CHUNK_SEGMENTS);
    let mut starts: Vec<u32> = [0, first].into_iter().chain(later).collect();
    starts.retain(|&start| start < segments);
    starts.dedup();
    starts
}

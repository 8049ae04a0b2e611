//! What comes next of a video: the start rungs and sound of chunk 0, the poster, all of
//! chunks 0 and 1, then the rest in order, then the storyboard. Where nobody can watch yet,
//! simply all segments in order.

use std::ops::Range;

use plan::{Plan, RenditionId, SegmentKey, VideoId, WorkKind};

use super::is_done_without;
use crate::inner::Inner;
use crate::made::MadeSet;

/// Chunks of an order where nobody waits for anything in between: between orders the encoders
/// run dry for a moment.
const CHUNKS_AT_ONCE: u32 = 8;

/// One piece of background work.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Piece {
    /// A stretch of a chunk, in the renditions that lack any of it.
    Segments {
        renditions: Vec<RenditionId>,
        first: u32,
        count: u32,
    },
    Poster,
    Sheet(u32),
    /// What is left is in others' hands.
    Wait,
    /// Nothing is left.
    Finalize,
}

/// What others are at, and what cannot be made.
pub(crate) struct Taken<'a> {
    inner: &'a Inner,
    video: VideoId,
}

impl<'a> Taken<'a> {
    pub(crate) const fn of(inner: &'a Inner, video: VideoId) -> Self {
        Self { inner, video }
    }

    fn is_taken(&self, rendition: RenditionId, index: u32) -> bool {
        let key = SegmentKey {
            video: self.video,
            rendition,
            index,
        };
        self.inner.making.is_claimed(&key)
    }
}

pub(crate) fn next_piece(plan: &Plan, made: &MadeSet, taken: &Taken<'_>) -> Piece {
    let mut waits = false;
    let mut missing = |chunks: Range<u32>, kind| {
        let found = missing(plan, made, taken, chunks, kind);
        waits |= found == Some(Piece::Wait);
        found.filter(|piece| *piece != Piece::Wait)
    };
    let viewers = taken.inner.config.viewers;
    if viewers && let Some(piece) = missing(0..1, WorkKind::Start) {
        return piece;
    }
    let done_without = |sheet| is_done_without(taken.inner, taken.video, sheet);
    let lacks_poster = !plan.video.is_empty() && !made.has_poster() && !done_without(None);
    if viewers && lacks_poster {
        return Piece::Poster;
    }
    let at_once = if viewers { 1 } else { CHUNKS_AT_ONCE };
    let end = |chunk: u32| chunk.saturating_add(at_once).min(plan.chunks());
    let mut chunks = 0..plan.chunks();
    if let Some(piece) = chunks.find_map(|chunk| missing(chunk..end(chunk), WorkKind::All)) {
        return piece;
    }
    if waits {
        return Piece::Wait;
    }
    if lacks_poster {
        return Piece::Poster;
    }
    let sheet = plan.storyboard.as_ref().and_then(|board| {
        let unmade = |sheet: &u32| !made.has(board.id, *sheet) && !done_without(Some(*sheet));
        (0..board.sheets()).find(unmade)
    });
    sheet.map_or(Piece::Finalize, Piece::Sheet)
}

/// From the first to the last missing segment of a run of chunks, in the renditions that lack any.
fn missing(
    plan: &Plan,
    made: &MadeSet,
    taken: &Taken<'_>,
    chunks: Range<u32>,
    kind: WorkKind,
) -> Option<Piece> {
    let start = plan.chunk_segments(chunks.start).0;
    let end = plan.chunk_segments(chunks.end.saturating_sub(1)).1;
    let ids = plan.renditions_of(kind);
    let lacks = |id: RenditionId, segment: u32| !made.has(id, segment);
    let free = |id: RenditionId, segment: u32| lacks(id, segment) && !taken.is_taken(id, segment);
    let any_free = |segment: &u32| ids.iter().any(|&id| free(id, *segment));
    let Some(first) = (start..end).find(any_free) else {
        let any = (start..end).any(|segment| ids.iter().any(|&id| lacks(id, segment)));
        return any.then_some(Piece::Wait);
    };
    let last = (first..end).rev().find(any_free).unwrap_or(first);
    let incomplete = |id: &RenditionId| (first..=last).any(|segment| free(*id, segment));
    Some(Piece::Segments {
        renditions: ids.iter().copied().filter(incomplete).collect(),
        first,
        count: last - first + 1,
    })
}

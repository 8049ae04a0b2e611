//! What comes next of a video: the start rungs and sound of chunk 0, the poster, its text, its
//! loudness where that matters, all of chunks 0 and 1, then the rest in order, then the storyboard. Where nobody can watch yet,
//! simply all segments in order.

use std::ops::Range;

use plan::{Plan, RenditionId, SegmentKey, WorkKind};
use store::metadata::VideoRow;
use store::work::Scope;

use crate::inner::Inner;
use crate::loudness::is_to_level;
use crate::made::MadeSet;
use crate::stills::is_done_without;

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
    /// The cues of all text tracks.
    Texts,
    Loudness,
}

/// What there is to do.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Next {
    Piece(Piece),
    /// What is left is in others' hands.
    Wait,
    /// Nothing is left.
    Nothing,
}

/// A video, what is stored of it, and what sessions of this process are at.
pub(crate) struct Look<'a> {
    pub(crate) inner: &'a Inner,
    pub(crate) row: &'a VideoRow,
    pub(crate) plan: &'a Plan,
    pub(crate) made: &'a MadeSet,
}

impl Look<'_> {
    /// What comes next of all.
    pub(crate) fn next(&self) -> Next {
        let Self { plan, .. } = self;
        let mut waits = false;
        let mut missing = |chunks: Range<u32>, kind| match self.missing(chunks, kind) {
            Next::Piece(piece) => Some(Next::Piece(piece)),
            Next::Wait => {
                waits = true;
                None
            }
            Next::Nothing => None,
        };
        let viewers = self.inner.config.viewers;
        if viewers && let Some(piece) = missing(0..1, WorkKind::Start) {
            return piece;
        }
        if viewers && self.lacks_poster() {
            return Next::Piece(Piece::Poster);
        }
        if plan.lacks_text() {
            return Next::Piece(Piece::Texts);
        }
        // Before the sound, little of which is encoded twice then.
        if is_to_level(self.inner, plan) {
            return Next::Piece(Piece::Loudness);
        }
        let at_once = if viewers { 1 } else { CHUNKS_AT_ONCE };
        let end = |chunk: u32| chunk.saturating_add(at_once).min(plan.chunks());
        let mut chunks = 0..plan.chunks();
        if let Some(piece) = chunks.find_map(|chunk| missing(chunk..end(chunk), WorkKind::All)) {
            return piece;
        }
        if waits {
            return Next::Wait;
        }
        if self.lacks_poster() {
            return Next::Piece(Piece::Poster);
        }
        if let Some(sheet) = self.missing_sheets().next() {
            return Next::Piece(Piece::Sheet(sheet));
        }
        match plan.lacks_loudness() {
            true => Next::Piece(Piece::Loudness),
            false => Next::Nothing,
        }
    }

    /// What is left, by chunks, in the order in which it is wanted.
    pub(crate) fn chunks(&self) -> impl Iterator<Item = (Scope, u32)> {
        let lacks = |chunk: u32, kind| self.missing(chunk..chunk + 1, kind) != Next::Nothing;
        let start = (self.plan.chunks() > 0 && lacks(0, WorkKind::Start)).then_some(0);
        let poster = self.lacks_poster().then_some(0);
        // What `start` makes is a part of the first chunk.
        let all = u32::from(start.is_some())..self.plan.chunks();
        let all = all.filter(move |&chunk| lacks(chunk, WorkKind::All));
        let start = start.into_iter().map(|chunk| (Scope::Start, chunk));
        let poster = poster.into_iter().map(|index| (Scope::Poster, index));
        let texts = self.plan.lacks_text().then_some((Scope::Texts, 0));
        let sheets = self.missing_sheets().map(|sheet| (Scope::Sheet, sheet));
        let loudness = self.plan.lacks_loudness().then_some((Scope::Loudness, 0));
        let (first, last) = match is_to_level(self.inner, self.plan) {
            true => (loudness, None),
            false => (None, loudness),
        };
        start
            .chain(poster)
            .chain(texts)
            .chain(first)
            .chain(all.map(|chunk| (Scope::All, chunk)))
            .chain(sheets)
            .chain(last)
    }

    /// What is left of one of them.
    pub(crate) fn of(&self, scope: Scope, index: u32) -> Next {
        match scope {
            Scope::Start | Scope::All if index >= self.plan.chunks() => Next::Nothing,
            Scope::Start => self.missing(index..index + 1, WorkKind::Start),
            Scope::All => self.missing(index..index + 1, WorkKind::All),
            Scope::Poster if self.lacks_poster() => Next::Piece(Piece::Poster),
            Scope::Sheet if self.missing_sheets().any(|sheet| sheet == index) => {
                Next::Piece(Piece::Sheet(index))
            }
            Scope::Texts if self.plan.lacks_text() => Next::Piece(Piece::Texts),
            Scope::Loudness if self.plan.lacks_loudness() => Next::Piece(Piece::Loudness),
            Scope::Poster | Scope::Sheet | Scope::Texts | Scope::Loudness => Next::Nothing,
        }
    }

    fn lacks_poster(&self) -> bool {
        self.plan.has_poster()
            && !self.made.has_poster()
            && !is_done_without(self.row, self.plan, None)
    }

    fn missing_sheets(&self) -> impl Iterator<Item = u32> {
        let board = self.plan.storyboard.iter();
        board.flat_map(|board| {
            (0..board.sheets()).filter(|&sheet| {
                let is_made = self.made.has(board.id, sheet);
                !is_made && !is_done_without(self.row, self.plan, Some(sheet))
            })
        })
    }

    /// From the first to the last missing segment of a run of chunks, in the renditions that
    /// lack any.
    fn missing(&self, chunks: Range<u32>, kind: WorkKind) -> Next {
        let Self { plan, made, .. } = self;
        let start = plan.chunk_segments(chunks.start).0;
        let end = plan.chunk_segments(chunks.end.saturating_sub(1)).1;
        let ids = plan.renditions_of(kind);
        let lacks = |id: RenditionId, segment: u32| !made.has(id, segment);
        let free =
            |id: RenditionId, segment: u32| lacks(id, segment) && !self.is_taken(id, segment);
        let any_free = |segment: &u32| ids.iter().any(|&id| free(id, *segment));
        let Some(first) = (start..end).find(any_free) else {
            let any = (start..end).any(|segment| ids.iter().any(|&id| lacks(id, segment)));
            return if any { Next::Wait } else { Next::Nothing };
        };
        let last = (first..end).rev().find(any_free).unwrap_or(first);
        let incomplete = |id: &RenditionId| (first..=last).any(|segment| free(*id, segment));
        Next::Piece(Piece::Segments {
            renditions: ids.iter().copied().filter(incomplete).collect(),
            first,
            count: last - first + 1,
        })
    }

    /// Whether a session of this process is at it.
    fn is_taken(&self, rendition: RenditionId, index: u32) -> bool {
        let key = SegmentKey {
            video: self.row.id,
            rendition,
            index,
        };
        self.inner.making.is_claimed(&key)
    }
}

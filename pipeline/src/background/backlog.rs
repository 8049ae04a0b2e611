//! What comes next of a video: the start rungs and sound of chunk 0, the poster, its text, its
//! loudness where that matters, all of chunks 0 and 1, then the rest in order, then the storyboard;
//! what it has in lazy codecs once it is ready. Where nobody can watch yet, simply all segments in
//! order.

use std::ops::Range;

use plan::{Lazy, Plan, RenditionId, RenditionKey, SegmentKey, WorkKind};
use store::metadata::{Priority, State, VideoRow};
use store::work::Scope;

use crate::encoding::stills::is_done_without;
use crate::plans::loudness::is_to_level;
use crate::plans::planner::Planner;
use crate::videos::inventory::VideoInventory;

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
    /// Init segments of renditions that came after the video was playable.
    Inits(Vec<RenditionId>),
    Poster,
    Sheet(u32),
    /// The cues of all text tracks.
    Texts,
    Loudness,
}

/// What a video comes before in the background. The lesser comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Urgency {
    /// It is not ready.
    Eager(Priority),
    /// It is, and gets something besides.
    Late,
}

impl Urgency {
    pub(crate) fn of(row: &VideoRow) -> Self {
        match row.state {
            State::Ready => Self::Late,
            _ => Self::Eager(row.priority),
        }
    }
}

/// When a video would be due, in microseconds since 1970, if it took as long as it lasts from when it came: who is short comes
/// before who is long, and nobody waits for ever for who comes later.
pub(crate) fn due_us(row: &VideoRow) -> i64 {
    let came_us = row.uploaded_at_us.unwrap_or(row.created_at_us);
    came_us.saturating_add(row.duration_us.unwrap_or(0))
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
pub(crate) struct Backlog<'a> {
    pub(crate) planner: &'a Planner,
    pub(crate) row: &'a VideoRow,
    pub(crate) plan: &'a Plan,
    pub(crate) made: &'a VideoInventory,
}

impl Backlog<'_> {
    /// What comes next of all: of what makes the video ready, and then of one lazy codec after the
    /// other. Nothing where one of them is whole and not listed yet.
    pub(crate) fn next(&self) -> Next {
        match (self.next_eager(), self.row.state) {
            (Next::Nothing, State::Ready) => self.next_lazy(),
            (next, _) => next,
        }
    }

    fn next_eager(&self) -> Next {
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
        let viewers = self.planner.config.viewers;
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
        if is_to_level(self.planner, plan) {
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

    /// The lazy codec that is to be made: the first that is not listed.
    fn unlisted(&self) -> Option<&Lazy> {
        let is_listed = |id| self.row.average_bandwidth.contains_key(&id);
        let mut lazy = self.plan.lazy.iter();
        lazy.find(|lazy| !lazy.ids().all(is_listed))
    }

    /// One segment at a time: in these codecs that takes as long as others wait.
    fn next_lazy(&self) -> Next {
        if let Some(ids) = self.missing_inits() {
            return Next::Piece(Piece::Inits(ids));
        }
        let mut waits = false;
        for segment in 0..self.plan.segments() {
            match self.lazy_segment(segment) {
                Next::Nothing => {}
                Next::Wait => waits = true,
                piece @ Next::Piece(_) => return piece,
            }
        }
        if waits { Next::Wait } else { Next::Nothing }
    }

    fn missing_inits(&self) -> Option<Vec<RenditionId>> {
        let ids = self.late().into_iter().chain(self.plan.coming_eager());
        let ids: Vec<_> = ids.filter(|&id| !self.made.has_init(id)).collect();
        (!ids.is_empty()).then_some(ids)
    }

    /// The renditions in another codec that are to be made: those that are not listed, and then those that are to come.
    fn late(&self) -> Vec<RenditionId> {
        let segments = u64::from(self.plan.segments());
        let is_whole =
            |id: &RenditionId| self.made.has_init(*id) && self.made.count(*id) >= segments;
        match self.unlisted() {
            Some(lazy) => lazy.ids().collect(),
            None => {
                let mut coming = self.plan.coming_lazy().into_iter();
                coming
                    .find(|ids| !ids.iter().all(is_whole))
                    .unwrap_or_default()
            }
        }
    }

    fn lazy_segment(&self, segment: u32) -> Next {
        match segment < self.plan.segments() {
            true => self.missing_of(&self.late(), segment..segment + 1),
            false => Next::Nothing,
        }
    }

    /// What of it comes before the rest of every video: the start rungs of its first chunk, and its poster.
    pub(crate) fn first_chunks(&self) -> impl Iterator<Item = (Scope, u32)> {
        let is_first = |(scope, _): &(Scope, u32)| matches!(scope, Scope::Start | Scope::Poster);
        self.chunks().take_while(is_first)
    }

    /// Whether a piece is one of those.
    pub(crate) fn is_first(&self, piece: &Piece) -> bool {
        match piece {
            Piece::Poster => true,
            Piece::Segments {
                renditions, first, ..
            } => {
                let start = self.plan.renditions_of(WorkKind::Start);
                *first < self.plan.chunk_segments(0).1
                    && renditions.iter().all(|id| start.contains(id))
            }
            Piece::Inits(_) | Piece::Sheet(_) | Piece::Texts | Piece::Loudness => false,
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
        let (first, last) = match is_to_level(self.planner, self.plan) {
            true => (loudness, None),
            false => (None, loudness),
        };
        let is_ready = self.row.state == State::Ready;
        let inits = (is_ready && self.missing_inits().is_some()).then_some((Scope::Inits, 0));
        // Without an init segment nothing is of use.
        let is_lazy = is_ready && inits.is_none();
        let lazy = (0..self.plan.segments()).filter(move |_| is_lazy);
        let lazy = lazy.filter(|&segment| self.lazy_segment(segment) != Next::Nothing);
        start
            .chain(poster)
            .chain(texts)
            .chain(first)
            .chain(all.map(|chunk| (Scope::All, chunk)))
            .chain(sheets)
            .chain(last)
            .chain(inits)
            .chain(lazy.map(|segment| (Scope::Lazy, segment)))
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
            Scope::Inits => {
                let inits = self.missing_inits().map(Piece::Inits);
                inits.map_or(Next::Nothing, Next::Piece)
            }
            Scope::Lazy => self.lazy_segment(index),
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
        let start = self.plan.chunk_segments(chunks.start).0;
        let end = self.plan.chunk_segments(chunks.end.saturating_sub(1)).1;
        self.missing_of(&self.renditions_of(kind), start..end)
    }

    /// Those of a kind of work; once the video is ready, with those that are to come.
    fn renditions_of(&self, kind: WorkKind) -> Vec<RenditionId> {
        let mut ids = self.plan.renditions_of(kind);
        if kind == WorkKind::All && self.row.state == State::Ready {
            ids.extend(self.plan.coming_eager());
        }
        ids
    }

    fn missing_of(&self, ids: &[RenditionId], segments: Range<u32>) -> Next {
        let (made, Range { start, end }) = (self.made, segments);
        let lacks = |id: RenditionId, segment: u32| !made.has(id, segment);
        let free = |id: RenditionId, segment: u32| {
            lacks(id, segment) && !self.is_taken(id, segment) && !self.is_declined(id)
        };
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

    /// Whether engines of this process cannot go on with it.
    fn is_declined(&self, rendition: RenditionId) -> bool {
        let video = self.row.id;
        self.planner
            .plans
            .declined
            .has(RenditionKey { video, rendition })
    }

    /// Whether a session of this process is at it.
    fn is_taken(&self, rendition: RenditionId, index: u32) -> bool {
        let key = SegmentKey {
            video: self.row.id,
            rendition,
            index,
        };
        self.planner.sessions.claims.is_claimed(&key)
    }
}

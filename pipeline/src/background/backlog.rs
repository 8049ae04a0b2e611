//! The backlog of a video: what its plan lists and the store lacks, in the order in which it is made. The order is: the
//! start rungs and sound of chunk 0; the poster; the text; the loudness where sound is to be levelled; all of chunks 0
//! and 1; the other chunks; the storyboard; and, once the video is ready, its lazy codecs. Where nobody can watch a
//! video before it is whole, all segments are made simply in order.

use std::ops::Range;

use plan::{Lazy, Plan, RenditionId, RenditionKey, SegmentKey, WorkKind};
use store::metadata::{Priority, State, VideoRow};
use store::work::Scope;

use crate::encoding::stills::is_done_without;
use crate::plans::loudness::is_to_level;
use crate::plans::planner::Planner;
use crate::videos::inventory::VideoInventory;

/// Chunks of one order where no viewer waits between them: between two orders the encoders have nothing to do for a
/// moment.
const CHUNKS_AT_ONCE: u32 = 8;

/// One piece of background work.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Piece {
    /// Consecutive segments, in the renditions that lack any of them.
    Segments {
        renditions: Vec<RenditionId>,
        first: u32,
        count: u32,
    },
    /// Init segments of renditions that came into the plan after the video was playable.
    Inits(Vec<RenditionId>),
    Poster,
    Sheet(u32),
    /// The cues of all text tracks.
    Texts,
    Loudness,
}

/// Urgency of a video in the background; the lesser value comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Urgency {
    /// The video is not ready.
    Eager(Priority),
    /// The video is ready and gets additional renditions.
    Late,
}

impl Urgency {
    /// The urgency of a video, by its row.
    pub(crate) fn of(row: &VideoRow) -> Self {
        match row.state {
            State::Ready => Self::Late,
            _ => Self::Eager(row.priority),
        }
    }
}

/// Time at which a video is due, in microseconds since 1970: its arrival plus its duration. So a short video comes
/// before a long one, and no video waits for ever behind later ones.
pub(crate) fn due_us(row: &VideoRow) -> i64 {
    let came_us = row.uploaded_at_us.unwrap_or(row.created_at_us);
    came_us.saturating_add(row.duration_us.unwrap_or(0))
}

/// The next step of the background work on a video.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Next {
    Piece(Piece),
    /// Other sessions have claimed everything that is left.
    Wait,
    /// Nothing is left.
    Nothing,
}

/// A video with its plan and with the inventory of what is stored of it.
pub(crate) struct Backlog<'a> {
    pub(crate) planner: &'a Planner,
    pub(crate) row: &'a VideoRow,
    pub(crate) plan: &'a Plan,
    pub(crate) inventory: &'a VideoInventory,
}

impl Backlog<'_> {
    /// The next piece of work: what makes the video ready comes first, then one lazy codec after the other. `Nothing`
    /// is also the answer where a codec is whole and not listed yet.
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
        // The loudness comes before the sound, so that little sound is encoded twice.
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

    /// The lazy codec that is to be made next: the first one whose average bit rates are not in the row.
    fn unlisted(&self) -> Option<&Lazy> {
        let is_listed = |id| self.row.average_bandwidth.contains_key(&id);
        let mut lazy = self.plan.lazy.iter();
        lazy.find(|lazy| !lazy.ids().all(is_listed))
    }

    /// The next piece of the lazy codecs, one segment at a time: a segment in these codecs takes long, and others wait
    /// meanwhile.
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
        let ids: Vec<_> = ids.filter(|&id| !self.inventory.has_init(id)).collect();
        (!ids.is_empty()).then_some(ids)
    }

    /// Renditions in lazy codecs that are to be made: those of the codec that is not listed yet, and then those that
    /// are to replace an older generation's.
    fn late(&self) -> Vec<RenditionId> {
        let segments = u64::from(self.plan.segments());
        let is_whole = |id: &RenditionId| {
            self.inventory.has_init(*id) && self.inventory.count(*id) >= segments
        };
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

    /// Chunks that come before the rest of every video: the start rungs of the first chunk, and the poster.
    pub(crate) fn first_chunks(&self) -> impl Iterator<Item = (Scope, u32)> {
        let is_first = |(scope, _): &(Scope, u32)| matches!(scope, Scope::Start | Scope::Poster);
        self.chunks().take_while(is_first)
    }

    /// Whether a piece belongs to what comes first: the start rungs of the first chunk, or the poster.
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

    /// Everything that is left, by chunks, in the order in which it is made.
    pub(crate) fn chunks(&self) -> impl Iterator<Item = (Scope, u32)> {
        let lacks = |chunk: u32, kind| self.missing(chunk..chunk + 1, kind) != Next::Nothing;
        let start = (self.plan.chunks() > 0 && lacks(0, WorkKind::Start)).then_some(0);
        let poster = self.lacks_poster().then_some(0);
        // The start rungs that `start` makes are a part of the first chunk.
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
        // Segments are of no use before their init segments are stored.
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

    /// The unmade part of one chunk.
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
            && !self.inventory.has_poster()
            && !is_done_without(self.row, self.plan, None)
    }

    fn missing_sheets(&self) -> impl Iterator<Item = u32> {
        let board = self.plan.storyboard.iter();
        board.flat_map(|board| {
            (0..board.sheets()).filter(|&sheet| {
                let is_made = self.inventory.has(board.id, sheet);
                !is_made && !is_done_without(self.row, self.plan, Some(sheet))
            })
        })
    }

    /// The missing segments of consecutive chunks: from the first to the last of them, in the renditions that lack any.
    fn missing(&self, chunks: Range<u32>, kind: WorkKind) -> Next {
        let start = self.plan.chunk_segments(chunks.start).0;
        let end = self.plan.chunk_segments(chunks.end.saturating_sub(1)).1;
        self.missing_of(&self.renditions_of(kind), start..end)
    }

    /// Renditions of a kind of work. Once the video is ready, the renditions that are to replace an older generation's
    /// are among them.
    fn renditions_of(&self, kind: WorkKind) -> Vec<RenditionId> {
        let mut ids = self.plan.renditions_of(kind);
        if kind == WorkKind::All && self.row.state == State::Ready {
            ids.extend(self.plan.coming_eager());
        }
        ids
    }

    fn missing_of(&self, ids: &[RenditionId], segments: Range<u32>) -> Next {
        let (inventory, Range { start, end }) = (self.inventory, segments);
        let lacks = |id: RenditionId, segment: u32| !inventory.has(id, segment);
        let free = |id: RenditionId, segment: u32| {
            lacks(id, segment) && !self.is_claimed(id, segment) && !self.is_declined(id)
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

    /// Whether engines of this process cannot continue this rendition.
    fn is_declined(&self, rendition: RenditionId) -> bool {
        let video = self.row.id;
        self.planner
            .plans
            .declined
            .has(RenditionKey { video, rendition })
    }

    /// Whether a session of this process has claimed this segment.
    fn is_claimed(&self, rendition: RenditionId, index: u32) -> bool {
        let key = SegmentKey {
            video: self.row.id,
            rendition,
            index,
        };
        self.planner.sessions.claims.is_claimed(&key)
    }
}

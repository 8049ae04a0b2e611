//! Checks of what an engine says: it may speak only of the orders that it has, may make each thing once, and must
//! make all of them before an order is done. Everything else is refused, and the session ends.

mod still;

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;

use bytes::Bytes;
use cmaf::check::{self, Flaw};
use plan::cues::{MOST_BYTES, MOST_CUES};
use plan::{Code, Cue, CueList, Loudness, MediaInfo, Plan, RenditionId};
use protocol::{EngineFailure, Made, Order, Still};

/// Reason why a message of an engine is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Refusal {
    /// The engine speaks of an order that it was not given, or that is over.
    #[error("it speaks of an order that it does not have or that is over")]
    NoOrder,
    /// The engine made something that its order does not ask for.
    #[error("it made something that it was not asked for")]
    Unasked,
    /// The engine made something that it has made before.
    #[error("it made the same thing twice")]
    Twice,
    /// The engine says that an order is done although something is missing.
    #[error("it says that its order is done, but left something out")]
    LeftOut,
    /// The engine made a segment or init segment that differs from the plan.
    #[error("it made something that differs from the plan: {0}")]
    Flaw(#[from] Flaw),
    /// The engine made a still that is no picture of the kind and size that was asked for.
    #[error("it made a still that is not a picture of the kind and size that was asked for")]
    Still,
    /// The engine made text that is no list of cues, or too long.
    #[error("it made text that is not a list of cues, or is too long")]
    Cues,
    /// The engine did not measure every sound of the plan, or measured an impossible loudness.
    #[error("it left out a loudness, or measured an impossible one")]
    Loudness,
    /// The engine reports a source of another size than the one it was given.
    #[error("it reports a source of another size than the one it was given")]
    Info,
    /// The engine sent a message that cannot be read, or that is longer than anything it was asked for.
    #[error("its message cannot be read, or is longer than anything that it was asked for")]
    Message,
    /// The engine sent bytes beside a message that has none.
    #[error("it sends bytes beside a message that has none")]
    Payload,
    /// The engine asked for a read that no engine of ours asks for.
    #[error("it reads beyond the source, or too much at once")]
    Read,
    /// The engine goes on reading although it has no order, or is held.
    #[error("it keeps reading although it has nothing to do")]
    IdleReads,
    /// The engine has more threads than any of its work takes.
    #[error("it has more threads than any of its work takes")]
    Threads,
}

impl Refusal {
    /// Stable name of the refusal, for logs and reports.
    pub const fn code(self) -> &'static str {
        match self {
            Self::NoOrder => "no_order",
            Self::Unasked => "unasked",
            Self::Twice => "twice",
            Self::LeftOut => "left_out",
            Self::Flaw(flaw) => flaw.code(),
            Self::Still => "still",
            Self::Cues => "cues",
            Self::Loudness => "loudness",
            Self::Info => "info",
            Self::Message => "message",
            Self::Payload => "payload",
            Self::Read => "read",
            Self::IdleReads => "idle_reads",
            Self::Threads => "threads",
        }
    }
}

impl From<Refusal> for EngineFailure {
    fn from(refusal: Refusal) -> Self {
        Self {
            code: Code::EngineCrashed,
            message: format!("The engine was stopped: {refusal} ({}).", refusal.code()),
        }
    }
}

/// Thing that an order asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Thing {
    Info,
    Init(RenditionId),
    Segment(RenditionId, u32),
    PosterJpeg,
    PosterWebp,
    Sheet,
    Thumbnail,
    Cues(u32),
    Loudness,
}

/// Order that is not done.
struct OpenOrder {
    number: u32,
    what: Order,
    /// Plan that the order was given with.
    plan: Option<Arc<Plan>>,
    /// Whether the order may end before everything is made.
    abandoned: bool,
    made: HashSet<Thing>,
    /// Number of times that the order may still report its segment or, in a probe, its progress.
    places: u32,
    /// Part of the source that a probe last said it has read, in per cent.
    scanned: Option<u8>,
    /// Most bytes of a product of the order.
    most_payload: u32,
}

/// Orders of a session, in the order in which they are carried out.
#[derive(Default)]
pub(crate) struct Orders {
    open: VecDeque<OpenOrder>,
    /// Segments that another session has made; the engine may leave them out at any time.
    skipped: HashSet<(RenditionId, u32)>,
}

/// Most bytes of a message's header, except for the result of a probe: an init segment, and the fields around it.
const HEADER_BYTES: u32 = 2 * check::MOST_INIT_BYTES as u32;
/// Most bytes of a still: a detailed sheet of 800x800 pixels takes 200 kB.
const STILL_BYTES: u32 = 4 << 20;
/// Most bytes of a track's cues: their text, and the JSON around each.
const CUES_BYTES: u32 = (MOST_CUES * 128 + MOST_BYTES * 3) as u32;
/// Loudness in hundredths of a dB of anything that 32-bit floating-point samples can hold.
const POSSIBLE_MILLIBELS: std::ops::RangeInclusive<i32> = -100_000..=100_000;
/// Number of times that an order may report each of its segments in each of its renditions: once for every attempt.
const REPORTS_PER_SEGMENT: u32 = 8;
/// Number of times that a probe may report its progress: each per cent, in several passes.
const MOST_PROGRESS_REPORTS: u32 = 10_000;
/// Number of cues by which the last packet of a track may exceed the limit.
const CUES_OVER_LIMIT: usize = 1024;
/// Most characters of the message of a failed order, which is shown to people.
const MESSAGE_CHARS: usize = 500;

impl Orders {
    pub(crate) fn give(&mut self, number: u32, what: Order, plan: Option<Arc<Plan>>) {
        let places = match &what {
            Order::Segments {
                renditions, count, ..
            } => count
                .saturating_mul(REPORTS_PER_SEGMENT.saturating_mul(renditions.len() as u32 + 1)),
            Order::Probe => MOST_PROGRESS_REPORTS,
            _ => 0,
        };
        let most_payload = most_payload(&what, plan.as_deref());
        self.open.push_back(OpenOrder {
            number,
            what,
            plan,
            abandoned: false,
            made: HashSet::new(),
            places,
            scanned: None,
            most_payload,
        });
    }

    /// Marks this order and all orders before it as withdrawn.
    pub(crate) fn abandon(&mut self, number: u32) {
        let late = self.open.iter_mut().filter(|open| open.number <= number);
        late.for_each(|open| open.abandoned = true);
    }

    pub(crate) fn skip(&mut self, rendition: RenditionId, segment: u32) {
        self.skipped.insert((rendition, segment));
    }

    /// Most bytes of the header and of the payload of the next message.
    pub(crate) fn most_bytes(&self) -> (u32, u32) {
        let header = |open: &OpenOrder| match open.what {
            Order::Probe => protocol::MAX_HEADER,
            _ => HEADER_BYTES,
        };
        let header = self.open.iter().map(header).max();
        let payload = self.open.iter().map(|open| open.most_payload).max();
        (header.unwrap_or(HEADER_BYTES), payload.unwrap_or(0))
    }

    fn first(&mut self, number: u32) -> Result<&mut OpenOrder, Refusal> {
        // Orders are carried out one after another, so only the first can be spoken of.
        let first = self.open.front_mut().filter(|open| open.number == number);
        first.ok_or(Refusal::NoOrder)
    }

    pub(crate) fn at(
        &mut self,
        number: u32,
        rendition: Option<RenditionId>,
        segment: u32,
    ) -> Result<(), Refusal> {
        let open = self.first(number)?;
        let Order::Segments {
            renditions,
            first,
            count,
        } = &open.what
        else {
            return Err(Refusal::Unasked);
        };
        let is_asked = segment
            .checked_sub(*first)
            .is_some_and(|place| place < *count);
        let is_listed = rendition.is_none_or(|id| renditions.contains(&id));
        if !is_asked || !is_listed {
            return Err(Refusal::Unasked);
        }
        open.places = open.places.checked_sub(1).ok_or(Refusal::Twice)?;
        Ok(())
    }

    /// Records the progress of a probe; returns whether it has changed.
    pub(crate) fn scanned(&mut self, percent: u8) -> Result<bool, Refusal> {
        let is_probe = |open: &&mut OpenOrder| matches!(open.what, Order::Probe);
        let probe = self.open.front_mut().filter(is_probe);
        let probe = probe.ok_or(Refusal::Unasked)?;
        probe.places = probe.places.checked_sub(1).ok_or(Refusal::Twice)?;
        Ok(probe.scanned.replace(percent) != Some(percent))
    }

    pub(crate) fn probed(
        &mut self,
        number: u32,
        info: &MediaInfo,
        size: u64,
    ) -> Result<(), Refusal> {
        let open = self.first(number)?;
        if !matches!(open.what, Order::Probe) {
            return Err(Refusal::Unasked);
        }
        if info.size != size {
            return Err(Refusal::Info);
        }
        open.record_made(Thing::Info)
    }

    pub(crate) fn made(&mut self, number: u32, made: &Made, bytes: &Bytes) -> Result<(), Refusal> {
        let open = self.first(number)?;
        let thing = open.requested_thing(made)?;
        open.record_made(thing)?;
        open.is_as_planned(made, bytes)
    }

    pub(crate) fn done(&mut self, number: u32) -> Result<(), Refusal> {
        self.first(number)?;
        let open = self.open.pop_front().ok_or(Refusal::NoOrder)?;
        let is_settled = |thing: Thing| match thing {
            Thing::Segment(rendition, segment) if self.skipped.contains(&(rendition, segment)) => {
                true
            }
            thing => open.made.contains(&thing),
        };
        let is_whole = open.abandoned || open.wanted().all(is_settled);
        is_whole.then_some(()).ok_or(Refusal::LeftOut)
    }

    /// Ends an order that failed, and returns its failure in a form that can be shown to people.
    pub(crate) fn failed(
        &mut self,
        number: u32,
        failure: EngineFailure,
    ) -> Result<EngineFailure, Refusal> {
        self.first(number)?;
        self.open.pop_front();
        let code = match failure.code {
            // An engine cannot know these causes; its parent knows what could not be read.
            Code::UploadLost | Code::NoSpace | Code::EngineTimeout | Code::SourceUnreachable => {
                Code::EngineCrashed
            }
            code => code,
        };
        let message = failure.message.chars().filter(|c| !c.is_control());
        Ok(EngineFailure {
            code,
            message: message.take(MESSAGE_CHARS).collect(),
        })
    }
}

impl OpenOrder {
    fn record_made(&mut self, thing: Thing) -> Result<(), Refusal> {
        self.made.insert(thing).then_some(()).ok_or(Refusal::Twice)
    }

    /// Thing of the order that a product is.
    fn requested_thing(&self, made: &Made) -> Result<Thing, Refusal> {
        let thing = match *made {
            Made::Init(id) => Thing::Init(id),
            Made::Segment {
                rendition, segment, ..
            } => Thing::Segment(rendition, segment),
            Made::PosterJpeg(_) => Thing::PosterJpeg,
            Made::PosterWebp(_) => Thing::PosterWebp,
            Made::Sheet(sheet) => match self.what {
                Order::Still(Still::Sheet(wanted)) if wanted == sheet => Thing::Sheet,
                _ => return Err(Refusal::Unasked),
            },
            Made::Thumbnail { second, width } => match self.what {
                Order::Still(still) if thumbnail_of(still) == Some((second, width)) => {
                    Thing::Thumbnail
                }
                _ => return Err(Refusal::Unasked),
            },
            Made::Cues { track } => Thing::Cues(track),
            Made::Loudness(_) => Thing::Loudness,
        };
        let is_asked = self.wanted().any(|wanted| wanted == thing);
        is_asked.then_some(thing).ok_or(Refusal::Unasked)
    }

    /// All things that the order asks for.
    fn wanted(&self) -> Box<dyn Iterator<Item = Thing> + '_> {
        match &self.what {
            Order::Probe => Box::new([Thing::Info].into_iter()),
            Order::Inits { renditions } => Box::new(renditions.iter().map(|&id| Thing::Init(id))),
            Order::Segments {
                renditions,
                first,
                count,
            } => {
                let segments = *first..first.saturating_add(*count);
                Box::new(segments.flat_map(|segment| {
                    renditions
                        .iter()
                        .map(move |&id| Thing::Segment(id, segment))
                }))
            }
            Order::Filler { rendition, segment } => {
                Box::new([Thing::Segment(*rendition, *segment)].into_iter())
            }
            Order::Still(Still::Poster) => {
                Box::new([Thing::PosterJpeg, Thing::PosterWebp].into_iter())
            }
            Order::Still(Still::Sheet(_)) => Box::new([Thing::Sheet].into_iter()),
            Order::Still(Still::Thumbnail { .. } | Still::StoredThumbnail { .. }) => {
                Box::new([Thing::Thumbnail].into_iter())
            }
            Order::Texts => {
                let tracks = self.plan.as_ref().map_or(0, |plan| plan.info.text.len());
                Box::new((0..tracks as u32).map(Thing::Cues))
            }
            Order::Loudness => Box::new([Thing::Loudness].into_iter()),
        }
    }

    fn is_as_planned(&self, made: &Made, bytes: &Bytes) -> Result<(), Refusal> {
        let plan = self.plan.as_deref();
        let plan = || plan.ok_or(Refusal::NoOrder);
        match made {
            Made::Init(id) => Ok(check::init(plan()?, *id, bytes)?),
            Made::Segment {
                rendition,
                segment,
                init,
                ..
            } => {
                check::init(plan()?, *rendition, init)?;
                Ok(check::segment(plan()?, *rendition, *segment, init, bytes)?)
            }
            Made::PosterJpeg(_) | Made::Sheet(_) | Made::Thumbnail { .. } => {
                still::is_jpeg(bytes).then_some(()).ok_or(Refusal::Still)
            }
            Made::PosterWebp(_) => still::is_webp(bytes).then_some(()).ok_or(Refusal::Still),
            Made::Cues { track } => {
                // The receiver of the cue lists counts on their order.
                let is_next = self.made.len() == *track as usize + 1;
                let list = serde_json::from_slice::<CueList>(bytes);
                let end_us = plan()?.timeline.duration_us();
                let is_list = list.is_ok_and(|list| are_cues(&list, end_us));
                (is_next && is_list).then_some(()).ok_or(Refusal::Cues)
            }
            Made::Loudness(measured) => {
                let is_each = measured.len() == plan()?.audio.len();
                let is_sane = measured.iter().all(is_possible);
                (is_each && is_sane).then_some(()).ok_or(Refusal::Loudness)
            }
        }
    }
}

/// Second and width of a thumbnail that is asked for.
fn thumbnail_of(still: Still) -> Option<(u32, u32)> {
    match still {
        Still::Thumbnail { second, width } | Still::StoredThumbnail { second, width, .. } => {
            Some((second, width))
        }
        Still::Poster | Still::Sheet(_) => None,
    }
}

/// Most bytes of any product that an order asks for.
fn most_payload(what: &Order, plan: Option<&Plan>) -> u32 {
    match what {
        Order::Probe | Order::Loudness => 0,
        Order::Inits { .. } => check::MOST_INIT_BYTES as u32,
        Order::Still(_) => STILL_BYTES,
        Order::Texts => CUES_BYTES,
        Order::Segments {
            renditions,
            first,
            count,
        } => most_segment(plan, renditions, *first, *count),
        Order::Filler { rendition, segment } => most_segment(plan, &[*rendition], *segment, 1),
    }
}

fn most_segment(plan: Option<&Plan>, renditions: &[RenditionId], first: u32, count: u32) -> u32 {
    let Some(plan) = plan else { return 0 };
    let segments = first..first.saturating_add(count).min(plan.segments());
    let sizes = segments.flat_map(|segment| {
        let most = move |&id: &RenditionId| check::most_bytes(plan, id, segment);
        renditions.iter().map(most)
    });
    let most = sizes
        .max()
        .unwrap_or(0)
        .min(u64::from(protocol::MAX_PAYLOAD));
    most as u32
}

/// Whether a list can be written as WebVTT for a presentation that ends at `end_us`.
fn are_cues(list: &CueList, end_us: i64) -> bool {
    let is_shown = |cue: &Cue| {
        let is_in_time = 0 <= cue.start_us && cue.start_us < cue.end_us && cue.end_us <= end_us;
        let is_text =
            !cue.text.contains("-->") && !cue.text.contains("\n\n") && !cue.text.contains('\r');
        is_in_time && (1..=9).contains(&cue.place) && is_text
    };
    let text: usize = list.cues.iter().map(|cue| cue.text.len()).sum();
    list.cues.len() <= MOST_CUES + CUES_OVER_LIMIT
        // The last cue may exceed the limit.
        && text <= 2 * MOST_BYTES
        && list.cues.iter().all(is_shown)
}

fn is_possible(loudness: &Loudness) -> bool {
    let Loudness {
        integrated_millibels,
        range_millibels,
        true_peak_millibels,
    } = loudness;
    let levels = [*integrated_millibels, *true_peak_millibels];
    let is_level = |level: i32| POSSIBLE_MILLIBELS.contains(&level);
    levels.into_iter().flatten().all(is_level) && (0..=20_000).contains(range_millibels)
}

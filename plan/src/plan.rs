//! The plan: the whole presentation, fixed before a frame is encoded.

mod anew;
mod audio;
mod check;
mod chunks;
mod color;
mod lazy;
mod loudness;
mod opus;
mod passthrough;
mod remake;
mod storyboard;
mod text;
mod trick_play;
mod video;

use serde::{Deserialize, Serialize};

pub use self::audio::{AudioRendition, SoundCodec, audio_preroll};
pub use self::color::{Conversion, OutputColor};
pub use self::lazy::Lazy;
pub use self::loudness::Loudness;
use self::passthrough::Cut;
pub use self::passthrough::SHORTEST_PASSED;
pub use self::remake::Media;
pub use self::storyboard::Storyboard;
pub use self::text::TextRendition;
pub use self::video::{
    FirstFactor, Fit, LazyCodec, Next, RateControl, RateFactor, Try, VideoCodec, VideoRendition,
};
use crate::canonical::Canonical;
use crate::media_info::{Index, MediaInfo, VideoTrack};
use crate::policy::Policy;
use crate::timeline::{self, TimeLine};
use crate::{Code, Rational, Rejection, RenditionId};

/// Raised by hand when our own processing changes the bytes of any rendition.
pub const MEDIA_GENERATION: u32 = 12;

/// That of renditions which do not say it.
const fn generation_of_old() -> u32 {
    7
}

/// The whole presentation of one source under one policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// What the probe found; the engine needs it to find its way in the source.
    pub info: MediaInfo,
    /// Time: ticks, length, boundaries.
    pub timeline: TimeLine,
    /// How a place in the source is reached.
    pub access: Access,
    /// Estimated time of the worst seek to any segment, in microseconds of one core.
    pub worst_seek_us: u64,
    /// Picture, highest rung first; empty for sound alone.
    pub video: Vec<VideoRendition>,
    /// One picture of each segment; nothing for sound alone, and in plans of before.
    #[serde(default)]
    pub trick_play: Option<VideoRendition>,
    /// Sound, in track order.
    pub audio: Vec<AudioRendition>,
    /// The same in other codecs, made after everything else.
    #[serde(default)]
    pub lazy: Vec<Lazy>,
    /// What is to stand in the place of all of these, once all of it is made.
    #[serde(default)]
    pub coming: Option<Media>,
    /// Text, in track order; nothing before its cues are extracted.
    #[serde(default)]
    pub text: Option<Vec<TextRendition>>,
    /// Text of files that were put beside the source, by language; no two in the same.
    #[serde(default)]
    pub side_cars: Vec<TextRendition>,
    /// How loud each of `audio` is before its gain; nothing before it is measured, none where it
    /// could not be.
    #[serde(default)]
    pub loudness: Option<Vec<Loudness>>,
    /// Renditions of plans before this one that nobody can go on with: what of them is not made will never be.
    #[serde(default)]
    pub given_up: Vec<RenditionId>,
    /// Preview tiles, where there is a picture.
    pub storyboard: Option<Storyboard>,
    /// Where each track's own content lies, relative to the earliest.
    pub content: Content,
}

/// How a segment's first frame is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Access {
    /// Seek to the key frame before, decode, discard.
    Exact,
    /// As `exact`, from that many key frames earlier.
    Preroll(u32),
    /// Seeks are not exact: decode in order from the start of the chunk.
    Linear,
}

/// Where content lies on the presentation's own time line, in microseconds from the earlier
/// start of picture and sound: (start, length).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Content {
    /// The picture.
    pub video: Option<(i64, i64)>,
    /// Each sound track.
    pub audio: Vec<(i64, i64)>,
}

/// Which of the work on a video: the fastest way to a start, or all of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WorkKind {
    /// The start rungs and the sound.
    Start,
    /// Whatever is not made yet.
    All,
}

impl Plan {
    /// Number of segments of every picture and sound rendition.
    pub fn segments(&self) -> u32 {
        self.timeline.segments()
    }

    /// Whether there is something to make a poster of: a picture track, or a cover.
    pub fn has_poster(&self) -> bool {
        !self.video.is_empty() || self.info.cover.is_some()
    }

    /// What is encoded of the picture: every rung, highest first, then trick play.
    pub fn pictures(&self) -> impl Iterator<Item = &VideoRendition> + Clone {
        self.video.iter().chain(&self.trick_play)
    }

    /// The rendition of this id among picture renditions.
    pub fn video_rendition(&self, id: RenditionId) -> Option<&VideoRendition> {
        self.every_picture().find(|v| v.id == id)
    }

    /// The rendition of this id among sound renditions.
    pub fn audio_rendition(&self, id: RenditionId) -> Option<&AudioRendition> {
        self.every_sound().find(|a| a.id == id)
    }

    /// Picture and sound renditions, without lazy ones: all that a video needs to be ready.
    pub fn media_ids(&self) -> impl Iterator<Item = RenditionId> + '_ {
        let pictures = self.pictures().map(|v| v.id);
        pictures.chain(self.audio.iter().map(|a| a.id))
    }

    /// All renditions of picture and sound, in whatever codec: what has init segments.
    pub fn every_media(&self) -> impl Iterator<Item = RenditionId> + '_ {
        let pictures = self.every_picture().map(|video| video.id);
        pictures.chain(self.every_sound().map(|audio| audio.id))
    }

    /// All that it has, of whatever kind.
    pub fn every_rendition(&self) -> Vec<RenditionId> {
        let texts = self.text.iter().flatten().chain(&self.side_cars);
        let sheets = self.storyboard.iter().map(|board| board.id);
        let all = self.every_media().chain(sheets);
        all.chain(texts.map(|text| text.id)).collect()
    }

    /// Whether it has a picture or sound rendition of this id: one that has an init segment and
    /// `m4s` segments.
    pub fn has_media(&self, id: RenditionId) -> bool {
        self.video_rendition(id).is_some() || self.audio_rendition(id).is_some()
    }

    /// Whether it has a rendition of this id, of any kind.
    pub fn lists(&self, id: RenditionId) -> bool {
        self.segment_count(id).is_some() || self.text_rendition(id).is_some()
    }

    /// How many segments (or sheets) a rendition has; nothing where it is not in the plan.
    pub fn segment_count(&self, id: RenditionId) -> Option<u32> {
        match &self.storyboard {
            Some(storyboard) if storyboard.id == id => Some(storyboard.sheets()),
            _ => self.has_media(id).then(|| self.segments()),
        }
    }

    /// Positions in `video` of the rungs that players start with: the highest in box <= 480,
    /// which is listed first, and the highest in box <= 360; the lowest where there is none.
    pub fn start_rungs(&self) -> Vec<usize> {
        let highest = |limit| {
            let position = self.video.iter().position(|v| v.rung <= limit);
            position.or(self.video.len().checked_sub(1))
        };
        let mut rungs: Vec<usize> = [highest(480), highest(360)].into_iter().flatten().collect();
        rungs.dedup();
        rungs
    }

    /// The renditions of a kind of work.
    pub fn renditions_of(&self, kind: WorkKind) -> Vec<RenditionId> {
        match kind {
            WorkKind::All => self.media_ids().collect(),
            WorkKind::Start => {
                let rungs = self
                    .start_rungs()
                    .into_iter()
                    .map(|rung| self.video[rung].id);
                rungs.chain(self.audio.iter().map(|a| a.id)).collect()
            }
        }
    }
}

/// The plan of a source under a policy; the same arguments give the same plan. Total: what
/// the probe found comes from a stranger's file.
///
/// # Errors
/// A [`Rejection`] where the source exceeds a limit, contradicts itself, or holds neither
/// picture nor sound.
pub fn plan(info: &MediaInfo, policy: &Policy) -> Result<Plan, Rejection> {
    check::check(info, policy)?;
    let nothing = || Rejection::new(Code::NoVideo, "The file holds neither picture nor sound.");
    let usual = TimeLine::of(info, policy.segment_seconds).ok_or_else(nothing)?;
    let access = access(info);
    let cut = Cut::of(info, &usual, access, policy);
    let timeline = cut.as_ref().map_or(usual, |cut| cut.timeline.clone());
    let video = match (&info.video, &cut) {
        (Some(track), Some(cut)) => cut.renditions(track, access, policy),
        (Some(track), None) => video::renditions(track, &timeline, access, policy),
        (None, _) => Vec::new(),
    };
    let trick_play = info.video.as_ref().zip(video.last());
    let trick_play =
        trick_play.map(|(track, lowest)| trick_play::rendition(track, &timeline, access, lowest));
    let audio = audio::renditions(info, &timeline);
    let storyboard = info
        .video
        .as_ref()
        .map(|track| storyboard::storyboard(track, &timeline, access));
    Ok(Plan {
        access,
        worst_seek_us: info.video.as_ref().map_or(0, worst_seek_us),
        video,
        trick_play,
        audio,
        lazy: Vec::new(),
        coming: None,
        text: None,
        side_cars: Vec::new(),
        loudness: None,
        given_up: Vec::new(),
        storyboard,
        content: content(info),
        timeline,
        info: without_coded_pictures(info),
    })
}

/// Nobody asks for them once segments are cut, and their list is long.
fn without_coded_pictures(info: &MediaInfo) -> MediaInfo {
    let mut info = info.clone();
    if let Some(video) = &mut info.video {
        video.coded = None;
    }
    info
}

/// Decoders lose pictures in the first open group that they see, not in the second. Seeks are not
/// exact without an index, in VC-1 (its entry points do not reset what later
/// pictures refer to), and in AVI with a variable rate (it counts pictures, not time).
fn access(info: &MediaInfo) -> Access {
    let is_inexact = |video: &VideoTrack| {
        matches!(video.codec.as_str(), "vc1" | "wmv3")
            || (info.container == "avi" && !video.constant_rate)
    };
    match info.index {
        Index::None => Access::Linear,
        _ if info.video.as_ref().is_some_and(is_inexact) => Access::Linear,
        _ if info.video.as_ref().is_some_and(|video| video.open_gops) => Access::Preroll(1),
        Index::Container | Index::Scanned(_) => Access::Exact,
    }
}

/// Pixels that one core decodes per second, roughly: 1080p H.264 at 240 frames.
const DECODE_PIXELS_PER_SECOND: u64 = 500_000_000;

fn worst_seek_us(video: &VideoTrack) -> u64 {
    let frame = u64::from(video.coded_width) * u64::from(video.coded_height);
    let pixels = u128::from(video.longest_gop.unwrap_or(0)) * u128::from(frame);
    let us = pixels.saturating_mul(1_000_000) / u128::from(DECODE_PIXELS_PER_SECOND);
    u64::try_from(us).unwrap_or(u64::MAX)
}

/// What shapes the bytes of every rendition alike.
fn hash_source<'a>(hash: &'a mut Canonical, stream: u32, timeline: &TimeLine) -> &'a mut Canonical {
    hash.int(MEDIA_GENERATION)
        .int(stream)
        .rational(timeline.rate)
        .rational(timeline.origin)
        .int(timeline.samples.0)
        .ints(timeline.boundaries.iter().map(|b| b.0))
}

/// Adds by how much the time stamps of a stream are shifted, where recordings were joined.
fn hash_joins(hash: &mut Canonical, info: &MediaInfo, stream: u32) {
    let joins = info.joins.iter().filter(|join| join.stream == stream);
    let shifts: Vec<i64> = joins.map(|join| join.shift).collect();
    if !shifts.is_empty() {
        hash.text("joins").ints(shifts.into_iter());
    }
}

fn content(info: &MediaInfo) -> Content {
    let Some(earliest) = timeline::spans(info).map(|span| span.0).min() else {
        return Content::default();
    };
    let mut spans = timeline::spans(info).map(|(start, end): (Rational, Rational)| {
        let us = |time: Rational| time.scale_round(1_000_000, 1);
        (us(start - earliest), us(end - start))
    });
    Content {
        video: info.video.as_ref().and_then(|_| spans.next()),
        audio: spans.collect(),
    }
}

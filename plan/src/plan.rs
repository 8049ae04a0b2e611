//! The plan of a presentation, fixed before a frame is encoded.
//!
//! [`plan()`] takes what the probe found and the policy, and returns a [`Plan`]: the time line, all segment
//! boundaries and all renditions with their settings. The modules below hold one kind of rendition or one decision
//! each. The methods that return a changed [`Plan`] take renditions over unchanged where they can.

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

/// Number of the rules by which sources become bytes. It is raised by hand when our own processing changes the bytes
/// of any rendition.
pub const MEDIA_GENERATION: u32 = 12;

/// Generation of renditions whose stored plans do not have the field: the last one before the field was introduced.
const fn generation_of_old() -> u32 {
    7
}

/// Presentation of one source under one policy, with all its renditions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// Findings of the probe. The engine needs them to find positions in the source.
    pub info: MediaInfo,
    /// Time line of the presentation: frame rate, length and segment boundaries.
    pub timeline: TimeLine,
    /// How the engine reaches a position in the source.
    pub access: Access,
    /// Estimated time of the worst seek to any segment, in microseconds of one core.
    pub worst_seek_us: u64,
    /// Video renditions, highest rung first. The list is empty for audio-only sources.
    pub video: Vec<VideoRendition>,
    /// Trick-play rendition, with one frame for each segment. `None` for audio-only sources, and in plans stored
    /// before trick play existed.
    #[serde(default)]
    pub trick_play: Option<VideoRendition>,
    /// Audio renditions: stereo in track order, then 5.1 in track order.
    pub audio: Vec<AudioRendition>,
    /// The presentation's renditions in other codecs, which are made after everything else.
    #[serde(default)]
    pub lazy: Vec<Lazy>,
    /// Video and audio renditions that will replace the current ones as soon as they are completely made.
    #[serde(default)]
    pub coming: Option<Media>,
    /// Text renditions in track order. `None` until the cues of the source's text tracks are extracted.
    #[serde(default)]
    pub text: Option<Vec<TextRendition>>,
    /// Text renditions of subtitle files that were added beside the source, at most one for each language.
    #[serde(default)]
    pub side_cars: Vec<TextRendition>,
    /// Loudness of each rendition in `audio` before its gain is applied. `None` until it is measured; empty if it
    /// could not be measured.
    #[serde(default)]
    pub loudness: Option<Vec<Loudness>>,
    /// Renditions of earlier plans that no available program can continue. Their missing segments will never be made.
    #[serde(default)]
    pub given_up: Vec<RenditionId>,
    /// Storyboard with preview tiles. `None` for audio-only sources.
    pub storyboard: Option<Storyboard>,
    /// Time span of each track's own content, relative to the earliest track.
    pub content: Content,
}

/// How the decoder reaches a segment's first frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Access {
    /// Seek to the key frame before the segment, decode from there and discard what comes before the segment.
    Exact,
    /// Like `exact`, but start this many key frames earlier.
    Preroll(u32),
    /// Seeks are not exact: decode in order from the start of the chunk.
    Linear,
}

/// Time spans of the tracks' content as (start, length), in microseconds. Times count from the earliest start of any
/// video or audio track.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Content {
    /// Time span of the video track.
    pub video: Option<(i64, i64)>,
    /// Time span of each audio track.
    pub audio: Vec<(i64, i64)>,
}

/// Kind of encoding work on a video: only what playback needs to start, or everything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WorkKind {
    /// The start rungs and the audio.
    Start,
    /// Everything that is not made yet.
    All,
}

impl Plan {
    /// Number of segments of every video and audio rendition.
    pub fn segments(&self) -> u32 {
        self.timeline.segments()
    }

    /// Whether a poster can be made: the source has a video track or a cover image.
    pub fn has_poster(&self) -> bool {
        !self.video.is_empty() || self.info.cover.is_some()
    }

    /// All video renditions in H.264: every rung, highest first, then trick play.
    pub fn pictures(&self) -> impl Iterator<Item = &VideoRendition> + Clone {
        self.video.iter().chain(&self.trick_play)
    }

    /// The video rendition with this id, in any codec.
    pub fn video_rendition(&self, id: RenditionId) -> Option<&VideoRendition> {
        self.every_picture().find(|v| v.id == id)
    }

    /// The audio rendition with this id, in any codec.
    pub fn audio_rendition(&self, id: RenditionId) -> Option<&AudioRendition> {
        self.every_sound().find(|a| a.id == id)
    }

    /// Ids of the video and audio renditions that a video needs to be ready. Lazy codecs are not among them.
    pub fn media_ids(&self) -> impl Iterator<Item = RenditionId> + '_ {
        let pictures = self.pictures().map(|v| v.id);
        pictures.chain(self.audio.iter().map(|a| a.id))
    }

    /// Ids of all video and audio renditions in any codec. These are the renditions that have init segments.
    pub fn every_media(&self) -> impl Iterator<Item = RenditionId> + '_ {
        let pictures = self.every_picture().map(|video| video.id);
        pictures.chain(self.every_sound().map(|audio| audio.id))
    }

    /// Ids of all renditions of any kind.
    pub fn every_rendition(&self) -> Vec<RenditionId> {
        let texts = self.text.iter().flatten().chain(&self.side_cars);
        let sheets = self.storyboard.iter().map(|board| board.id);
        let all = self.every_media().chain(sheets);
        all.chain(texts.map(|text| text.id)).collect()
    }

    /// Whether the plan has a video or audio rendition with this id: one with an init segment and `m4s` segments.
    pub fn has_media(&self, id: RenditionId) -> bool {
        self.video_rendition(id).is_some() || self.audio_rendition(id).is_some()
    }

    /// Whether the plan has a rendition of any kind with this id.
    pub fn lists(&self, id: RenditionId) -> bool {
        self.segment_count(id).is_some() || self.text_rendition(id).is_some()
    }

    /// Number of segments (or storyboard sheets) of a rendition. `None` if the plan has no such rendition, or if it
    /// is text.
    pub fn segment_count(&self, id: RenditionId) -> Option<u32> {
        match &self.storyboard {
            Some(storyboard) if storyboard.id == id => Some(storyboard.sheets()),
            _ => self.has_media(id).then(|| self.segments()),
        }
    }

    /// Indices in `video` of the rungs with which players start: the highest one in a box of at most 480 lines, which
    /// is listed first, and the highest one in a box of at most 360 lines. The lowest rung stands in if no rung is
    /// small enough.
    pub fn start_rungs(&self) -> Vec<usize> {
        let highest = |limit| {
            let position = self.video.iter().position(|v| v.rung <= limit);
            position.or(self.video.len().checked_sub(1))
        };
        let mut rungs: Vec<usize> = [highest(480), highest(360)].into_iter().flatten().collect();
        rungs.dedup();
        rungs
    }

    /// Ids of the renditions that a kind of work makes.
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

/// Makes the plan of a source under a policy. Equal arguments give equal plans. The function accepts any `info`,
/// since the probe's findings come from an untrusted file.
///
/// # Errors
/// A [`Rejection`] if the source exceeds a limit, contradicts itself, or has neither video nor audio.
pub fn plan(info: &MediaInfo, policy: &Policy) -> Result<Plan, Rejection> {
    check::check(info, policy)?;
    let nothing = || Rejection::new(Code::NoVideo, "The file contains neither video nor audio.");
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

/// Returns the findings without the list of coded frames: it is long, and nothing needs it after the segment
/// boundaries are fixed.
fn without_coded_pictures(info: &MediaInfo) -> MediaInfo {
    let mut info = info.clone();
    if let Some(video) = &mut info.video {
        video.coded = None;
    }
    info
}

/// How the engine reaches positions in a source. Open groups of pictures need a preroll, because decoders lose frames
/// in the first open group that they see, but not in the second. Seeks are not exact without an index, in VC-1 (its
/// entry points do not reset what later frames refer to), and in AVI with a variable rate (it counts frames, not
/// time).
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

/// Approximate number of pixels that one core decodes per second: 1080p H.264 at 240 frames per second.
const DECODE_PIXELS_PER_SECOND: u64 = 500_000_000;

fn worst_seek_us(video: &VideoTrack) -> u64 {
    let frame = u64::from(video.coded_width) * u64::from(video.coded_height);
    let pixels = u128::from(video.longest_gop.unwrap_or(0)) * u128::from(frame);
    let us = pixels.saturating_mul(1_000_000) / u128::from(DECODE_PIXELS_PER_SECOND);
    u64::try_from(us).unwrap_or(u64::MAX)
}

/// Adds the settings that shape the bytes of every rendition to a hash.
fn hash_source<'a>(hash: &'a mut Canonical, stream: u32, timeline: &TimeLine) -> &'a mut Canonical {
    hash.int(MEDIA_GENERATION)
        .int(stream)
        .rational(timeline.rate)
        .rational(timeline.origin)
        .int(timeline.samples.0)
        .ints(timeline.boundaries.iter().map(|b| b.0))
}

/// Adds the time-stamp corrections of a stream to a hash, if recordings were joined.
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

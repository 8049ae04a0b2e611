//! The plan itself: its renditions, and questions about them.

use serde::{Deserialize, Serialize};

use crate::media_info::MediaInfo;
use crate::presentation::audio::AudioRendition;
use crate::presentation::lazy::Lazy;
use crate::presentation::loudness::Loudness;
use crate::presentation::remake::Media;
use crate::presentation::storyboard::Storyboard;
use crate::presentation::text::TextRendition;
use crate::presentation::video::VideoRendition;
use crate::rendition::RenditionId;
use crate::timeline::TimeLine;

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

//! What the probe found in a source: everything the plan needs, nothing it does not.
//!
//! Times are seconds on the source's own presentation time line, as exact rationals,
//! with edit lists already applied.

mod coded;

use serde::{Deserialize, Serialize};

pub use self::coded::{CodedPictures, Group};
use crate::{Note, Rational};

/// A source as the engine's probe describes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MediaInfo {
    /// Name of the container format, e.g. `mov,mp4,m4a,3gp,3g2,mj2`.
    pub container: String,
    /// Size of the source in bytes.
    pub size: u64,
    /// Number of streams of any kind.
    pub streams: u32,
    /// The picture track that is shown.
    pub video: Option<VideoTrack>,
    /// The sound tracks, in file order.
    pub audio: Vec<AudioTrack>,
    /// The text tracks that can be extracted, in file order.
    pub text: Vec<TextTrack>,
    /// Tracks that are left out, and why.
    pub skipped: Vec<SkippedTrack>,
    /// The stream that holds the cover of a source without a picture track.
    #[serde(default)]
    pub cover: Option<u32>,
    /// Chapters, in order.
    pub chapters: Vec<Chapter>,
    /// How a place in the source is found.
    pub index: Index,
    /// Where the time stamps of a stream go on from others than they should, in file order for each stream.
    #[serde(default)]
    pub joins: Vec<Join>,
    /// What is to be said of the source, though it can be watched: damage, guesses, what is left out.
    #[serde(default, alias = "warnings")]
    pub notes: Vec<Note>,
}

/// From a byte of the source on, the time stamps of a stream are this much later than they say: where recordings
/// were joined, or a clock jumped. Up to a stream's first, they are what they say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Join {
    /// Index of the stream in the container.
    pub stream: u32,
    /// The byte at which the first packet lies that it is about.
    pub position: u64,
    /// What is added to the stamps of that packet and of all after it, in the stream's `time_base`.
    pub shift: i64,
    /// The first of those stamps, with that added.
    pub first: i64,
}

/// The picture track.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VideoTrack {
    /// Index of the stream in the container.
    pub stream: u32,
    /// FFmpeg's name of the codec, e.g. `h264`.
    pub codec: String,
    /// Profile as the codec names it.
    pub profile: Option<String>,
    /// Unit of the stream's time stamps, in seconds.
    pub time_base: Rational,
    /// Size of a stored picture in pixels.
    pub coded_width: u32,
    /// Size of a stored picture in pixels.
    pub coded_height: u32,
    /// Width of a pixel over its height, as it is shown.
    pub sample_aspect: Rational,
    /// Width of a pixel over its height, as most pictures themselves declare it; nought where they do not. One that
    /// declares another is shown in another shape.
    #[serde(default)]
    pub own_aspect: Rational,
    /// Degrees clockwise by which a player turns the stored picture: 0, 90, 180 or 270.
    pub rotation: u16,
    /// Whether the picture is mirrored left to right, before it is turned.
    pub mirrored: bool,
    /// FFmpeg's name of the pixel format, e.g. `yuv420p`.
    pub pixel_format: String,
    /// Colour as the stream declares it.
    pub color: Color,
    /// Colour as most pictures themselves declare it, where the container may have another word. One that declares
    /// another is brought to the track's.
    #[serde(default)]
    pub own_color: Color,
    /// How bright it gets, in nits (cd/m2), where it says so: its content, or the screen that it
    /// was made on.
    pub peak_nits: Option<u32>,
    /// Dolby Vision profile, where declared.
    pub dolby_vision: Option<u8>,
    /// Whether pictures are pairs of fields.
    pub interlaced: bool,
    /// Whether each field is stored as a picture of its own, of half the height that `coded_height` has.
    #[serde(default)]
    pub fields_apart: bool,
    /// Frames per second: exact where it is constant, the average otherwise.
    pub frame_rate: Rational,
    /// Whether all frame steps are equal up to the container's rounding.
    pub constant_rate: bool,
    /// 95th percentile of the instantaneous rates, where the rate is not constant.
    pub rate_p95: Option<Rational>,
    /// Presentation time of the first shown picture.
    pub start: Rational,
    /// End of the last shown picture.
    pub end: Rational,
    /// Number of pictures, where an index or a scan told it.
    pub frames: Option<u64>,
    /// Longest distance between key frames, in pictures, where known.
    pub longest_gop: Option<u64>,
    /// Whether pictures may refer to what is before the key frame before them.
    #[serde(default)]
    pub open_gops: bool,
    /// Its pictures as they are stored, where they might be sent so; in no plan.
    #[serde(default)]
    pub coded: Option<CodedPictures>,
    /// `default` disposition.
    pub default: bool,
    /// The part of a stored picture that is shown, where that is not all of it.
    #[serde(default)]
    pub aperture: Option<Aperture>,
    /// How hard its pictures are to encode, where that was tried.
    #[serde(default)]
    pub complexity: Option<Complexity>,
}

/// A part of a picture, in its pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Aperture {
    /// Pixels to its left; even, as what is below.
    pub left: u32,
    /// Pixels above it.
    pub top: u32,
    /// Pixels from its left to its right.
    pub width: u32,
    /// Pixels from its top to its bottom.
    pub height: u32,
}

impl Aperture {
    /// Whether it is a part of a picture of this size.
    pub fn is_inside(&self, width: u32, height: u32) -> bool {
        let fits = |from: u32, length: u32, side: u32| {
            length > 0 && from.checked_add(length).is_some_and(|end| end <= side)
        };
        fits(self.left, self.width, width) && fits(self.top, self.height, height)
    }
}

/// What pictures took in a trial encode at full size, in bits for each million pixels.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Complexity {
    /// A picture by itself.
    pub key_bits: u32,
    /// One that follows another, on average of all places looked at.
    pub following_bits: u32,
    /// The same at the hardest of them.
    pub hardest_following_bits: u32,
    /// What whole pictures took that were scaled down, where that was tried.
    #[serde(default)]
    pub small: Option<SmallTrials>,
}

/// Trial encodes of whole pictures, scaled down to about the size of the rungs that players start in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SmallTrials {
    /// Pixels of a picture that was encoded.
    pub pixels: u32,
    /// Trials at several times, in the order of presentation.
    pub places: Vec<SmallTrial>,
}

/// Sizes of a few consecutive pictures of the source after a trial encode, in bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SmallTrial {
    /// Time of the first of them, in microseconds after the source's first picture.
    pub at_us: i64,
    /// A picture by itself.
    pub key_bits: u32,
    /// One that follows another.
    pub following_bits: u32,
}

impl VideoTrack {
    /// Width and height of what is shown of a stored picture, in its pixels.
    pub fn shown_size(&self) -> (u32, u32) {
        match self.aperture {
            Some(Aperture { width, height, .. }) => (width, height),
            None => (self.coded_width, self.coded_height),
        }
    }

    /// What the stream's transfer characteristics make of it.
    pub fn dynamic_range(&self) -> DynamicRange {
        match self.color.transfer.as_deref() {
            Some("smpte2084") => DynamicRange::Hdr10,
            Some("arib-std-b67") => DynamicRange::Hlg,
            _ => DynamicRange::Sdr,
        }
    }
}

/// How bright a picture may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DynamicRange {
    /// As far as a screen of 100 nits.
    Sdr,
    /// Perceptual quantizer (SMPTE ST 2084).
    Hdr10,
    /// Hybrid log-gamma (ARIB STD-B67).
    Hlg,
}

/// Colour description (ISO/IEC 23091-2 names as FFmpeg spells them); `None` where not declared.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Color {
    /// `limited` or `full`.
    pub range: Option<String>,
    /// Matrix coefficients, e.g. `bt709`.
    pub matrix: Option<String>,
    /// Colour primaries, e.g. `bt709`.
    pub primaries: Option<String>,
    /// Transfer characteristics, e.g. `bt709`, `smpte2084`.
    pub transfer: Option<String>,
}

/// A sound track.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AudioTrack {
    /// Index of the stream in the container.
    pub stream: u32,
    /// FFmpeg's name of the codec, e.g. `aac`.
    pub codec: String,
    /// Profile as the codec names it.
    pub profile: Option<String>,
    /// Unit of the stream's time stamps, in seconds.
    pub time_base: Rational,
    /// Samples per second as decoded.
    pub sample_rate: u32,
    /// Number of channels.
    pub channels: u32,
    /// FFmpeg's name of the channel layout, e.g. `5.1`.
    pub layout: String,
    /// Whether the source has it in 5.1, or more that is mixed down to that.
    #[serde(default)]
    pub surround: bool,
    /// Packets that a decoder needs to see before those after them, since they alone say how these are coded.
    #[serde(default)]
    pub setups: Vec<Setup>,
    /// Samples that every packet's length is a whole multiple of (once, for most codecs), where
    /// known.
    pub frame_samples: Option<u32>,
    /// Presentation time of the first sample after any priming is dropped.
    pub start: Rational,
    /// End of the last sample.
    pub end: Rational,
    /// Time stamp of the very first packet, priming included, in `time_base`.
    pub first_pts: i64,
    /// Samples of priming that a decoder must drop at the start.
    pub priming: u32,
    /// BCP 47 or ISO 639-2 language, where declared and not `und`.
    pub language: Option<String>,
    /// The track's title.
    pub title: Option<String>,
    /// `default` disposition.
    pub default: bool,
}

/// A packet that says how those after it are coded, up to the next such one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Setup {
    /// Its presentation time, in the track's `time_base`, joins applied.
    pub pts: i64,
    /// The byte at which it lies.
    pub position: u64,
}

/// The codec of text tracks of Matroska whose packets are the text of WebVTT cues.
pub const WEBVTT_CUES: &str = "webvtt_cues";
/// The codec of text tracks of MP4 whose packets are boxes of WebVTT cues (ISO/IEC 14496-30 §7.4).
pub const WEBVTT_BOXES: &str = "webvtt_boxes";

/// A text track.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TextTrack {
    /// Index of the stream in the container.
    pub stream: u32,
    /// FFmpeg's name of the codec, e.g. `mov_text`.
    pub codec: String,
    /// Language, where declared and not `und`.
    pub language: Option<String>,
    /// The track's title.
    pub title: Option<String>,
    /// `default` disposition.
    pub default: bool,
    /// `forced` disposition.
    pub forced: bool,
}

/// A track that no rendition is made of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SkippedTrack {
    /// Index of the stream in the container.
    pub stream: u32,
    /// `video`, `audio`, `subtitle`, `data`, `attachment`.
    pub kind: String,
    /// FFmpeg's name of the codec, where it knows one.
    pub codec: Option<String>,
    /// Why it is left out.
    pub reason: String,
}

/// A chapter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chapter {
    /// Start on the source's time line.
    pub start: Rational,
    /// End on the source's time line.
    pub end: Rational,
    /// Its title.
    pub title: String,
}

/// How a place in the source is found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Index {
    /// The container's own index: seeks are exact.
    Container,
    /// Key frames found by reading the whole source, in order.
    Scanned(Vec<KeyFrame>),
    /// None, and seeks are not exact.
    None,
}

/// One key frame of a scanned source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyFrame {
    /// Presentation time in the picture track's `time_base`.
    pub pts: i64,
    /// Byte at which the demuxer can start for it.
    pub position: u64,
}

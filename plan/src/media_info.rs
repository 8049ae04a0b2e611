//! Description of a source as the probe found it: everything the plan needs and nothing else.
//!
//! Times are seconds on the source's own presentation time line, as exact rationals, with edit lists already applied.

pub(crate) mod coded;

use serde::{Deserialize, Serialize};

pub use self::coded::{CodedPictures, Group};
use crate::codes::Note;
use crate::units::Rational;

/// Source as the engine's probe describes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MediaInfo {
    /// FFmpeg's name of the container format, e.g. `mov,mp4,m4a,3gp,3g2,mj2`.
    pub container: String,
    /// Size of the source in bytes.
    pub size: u64,
    /// Number of streams of any kind in the container.
    pub streams: u32,
    /// The video track that is shown. `None` for audio-only sources.
    pub video: Option<VideoTrack>,
    /// Audio tracks in file order.
    pub audio: Vec<AudioTrack>,
    /// Text tracks that can be extracted, in file order.
    pub text: Vec<TextTrack>,
    /// Tracks that are left out, with the reason.
    pub skipped: Vec<SkippedTrack>,
    /// Index of the stream that holds the cover image of a source without a video track.
    #[serde(default)]
    pub cover: Option<u32>,
    /// Chapters in order of time.
    pub chapters: Vec<Chapter>,
    /// How a position in the source is found.
    pub index: Index,
    /// Corrections of time stamps that restart or jump, in file order for each stream.
    #[serde(default)]
    pub joins: Vec<Join>,
    /// Remarks about a source that can be watched: damage, guesses and omissions.
    #[serde(default, alias = "warnings")]
    pub notes: Vec<Note>,
}

/// Correction of a stream's time stamps from a byte of the source on, where recordings were joined or a clock jumped.
/// Before a stream's first join, its time stamps are correct as they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Join {
    /// Index of the stream in the container.
    pub stream: u32,
    /// Byte offset of the first packet that the correction applies to.
    pub position: u64,
    /// Time that is added to the time stamps of that packet and of all later ones, in the stream's `time_base`.
    pub shift: i64,
    /// Corrected time stamp of that first packet, in the stream's `time_base`.
    pub first: i64,
}

/// Video track of a source.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VideoTrack {
    /// Index of the stream in the container.
    pub stream: u32,
    /// FFmpeg's name of the codec, e.g. `h264`.
    pub codec: String,
    /// Name of the profile as the codec defines it.
    pub profile: Option<String>,
    /// Unit of the stream's time stamps, in seconds.
    pub time_base: Rational,
    /// Width of a stored frame in pixels.
    pub coded_width: u32,
    /// Height of a stored frame in pixels.
    pub coded_height: u32,
    /// Width of a pixel divided by its height, as it is shown.
    pub sample_aspect: Rational,
    /// Width of a pixel divided by its height, as most frames themselves declare it; zero if they do not. A frame
    /// that declares another ratio is shown in another shape.
    #[serde(default)]
    pub own_aspect: Rational,
    /// Clockwise rotation in degrees by which a player turns the stored frame: 0, 90, 180 or 270.
    pub rotation: u16,
    /// Whether the frame is mirrored left to right before it is rotated.
    pub mirrored: bool,
    /// FFmpeg's name of the pixel format, e.g. `yuv420p`.
    pub pixel_format: String,
    /// Color description as the stream declares it.
    pub color: Color,
    /// Color description as most frames themselves declare it; the container may declare another one. A frame that
    /// declares another one is converted to the track's.
    #[serde(default)]
    pub own_color: Color,
    /// Peak brightness in nits (cd/m2) as declared for the content or for the mastering display. `None` if not
    /// declared.
    pub peak_nits: Option<u32>,
    /// Dolby Vision profile, if declared.
    pub dolby_vision: Option<u8>,
    /// Whether the video is interlaced: each frame is a pair of fields.
    pub interlaced: bool,
    /// Whether each field is stored as a frame of its own, with half the height of `coded_height`.
    #[serde(default)]
    pub fields_apart: bool,
    /// Frames per second: exact if the rate is constant, otherwise the average.
    pub frame_rate: Rational,
    /// Whether all frame durations are equal up to the container's rounding.
    pub constant_rate: bool,
    /// 95th percentile of the instantaneous frame rates, if the rate is not constant.
    pub rate_p95: Option<Rational>,
    /// Presentation time of the first shown frame.
    pub start: Rational,
    /// Presentation time at which the last shown frame ends.
    pub end: Rational,
    /// Number of frames, if known from an index or a scan.
    pub frames: Option<u64>,
    /// Longest distance between key frames in frames, if known.
    pub longest_gop: Option<u64>,
    /// Whether the groups of pictures are open: frames may refer to frames before their key frame.
    #[serde(default)]
    pub open_gops: bool,
    /// Coded frames of a source whose video may be passed through without an encode. Plans do not keep this list.
    #[serde(default)]
    pub coded: Option<CodedPictures>,
    /// Whether the container marks the track as default.
    pub default: bool,
    /// The part of a stored frame that is shown. `None` if the whole frame is shown.
    #[serde(default)]
    pub aperture: Option<Aperture>,
    /// Results of trial encodes, which tell how hard the video is to encode. `None` if there were none.
    #[serde(default)]
    pub complexity: Option<Complexity>,
}

/// Part of a frame in the frame's pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Aperture {
    /// Width of the area to the left in pixels; it is even, as the other three numbers are.
    pub left: u32,
    /// Height of the area above in pixels.
    pub top: u32,
    /// Width of the part in pixels.
    pub width: u32,
    /// Height of the part in pixels.
    pub height: u32,
}

impl Aperture {
    /// Whether the part lies within a frame of this size.
    pub fn is_inside(&self, width: u32, height: u32) -> bool {
        let fits = |from: u32, length: u32, side: u32| {
            length > 0 && from.checked_add(length).is_some_and(|end| end <= side)
        };
        fits(self.left, self.width, width) && fits(self.top, self.height, height)
    }
}

/// Sizes of frames after a trial encode at full resolution, in bits per million pixels.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Complexity {
    /// Size of an intra-coded frame.
    pub key_bits: u32,
    /// Mean size of a predicted frame over all tried positions.
    pub following_bits: u32,
    /// Mean size of a predicted frame at the tried position with the largest frames.
    pub hardest_following_bits: u32,
    /// Trial encodes of whole frames at reduced size. `None` if there were none.
    #[serde(default)]
    pub small: Option<SmallTrials>,
}

/// Trial encodes of whole frames, scaled down to about the size of the rungs that players start with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SmallTrials {
    /// Number of pixels of an encoded frame.
    pub pixels: u32,
    /// Trials at several positions, in order of presentation.
    pub places: Vec<SmallTrial>,
}

/// Result of a trial encode of a few consecutive frames of the source; sizes are in bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SmallTrial {
    /// Time of the first tried frame, in microseconds after the source's first frame.
    pub at_us: i64,
    /// Size of an intra-coded frame in bits.
    pub key_bits: u32,
    /// Mean size of a predicted frame in bits.
    pub following_bits: u32,
}

impl VideoTrack {
    /// Width and height of the shown part of a stored frame, in pixels.
    pub fn shown_size(&self) -> (u32, u32) {
        match self.aperture {
            Some(Aperture { width, height, .. }) => (width, height),
            None => (self.coded_width, self.coded_height),
        }
    }

    /// Dynamic range as the stream's transfer characteristics declare it.
    pub fn dynamic_range(&self) -> DynamicRange {
        match self.color.transfer.as_deref() {
            Some("smpte2084") => DynamicRange::Hdr10,
            Some("arib-std-b67") => DynamicRange::Hlg,
            _ => DynamicRange::Sdr,
        }
    }
}

/// Dynamic range of a video.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DynamicRange {
    /// Standard dynamic range, up to a screen of 100 nits.
    Sdr,
    /// High dynamic range with the perceptual quantizer (SMPTE ST 2084).
    Hdr10,
    /// High dynamic range with hybrid log-gamma (ARIB STD-B67).
    Hlg,
}

/// Color description (names of ISO/IEC 23091-2 as FFmpeg spells them); a field is `None` if not declared.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Color {
    /// Range of sample values: `limited` or `full`.
    pub range: Option<String>,
    /// Matrix coefficients, e.g. `bt709`.
    pub matrix: Option<String>,
    /// Color primaries, e.g. `bt709`.
    pub primaries: Option<String>,
    /// Transfer characteristics, e.g. `bt709`, `smpte2084`.
    pub transfer: Option<String>,
}

/// Audio track of a source.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AudioTrack {
    /// Index of the stream in the container.
    pub stream: u32,
    /// FFmpeg's name of the codec, e.g. `aac`.
    pub codec: String,
    /// Name of the profile as the codec defines it.
    pub profile: Option<String>,
    /// Unit of the stream's time stamps, in seconds.
    pub time_base: Rational,
    /// Decoded samples per second.
    pub sample_rate: u32,
    /// Number of channels.
    pub channels: u32,
    /// FFmpeg's name of the channel layout, e.g. `5.1`.
    pub layout: String,
    /// Whether a 5.1 rendition can be made: the source has 5.1, or more channels that are mixed down to 5.1.
    #[serde(default)]
    pub surround: bool,
    /// Packets that say how later packets are coded. A decoder must see them before the packets that they describe.
    #[serde(default)]
    pub setups: Vec<Setup>,
    /// Number of samples of which every packet's length is a whole multiple, if known. Most codecs have exactly this
    /// length.
    pub frame_samples: Option<u32>,
    /// Presentation time of the first sample after any priming is dropped.
    pub start: Rational,
    /// Presentation time at which the last sample ends.
    pub end: Rational,
    /// Time stamp of the very first packet, priming included, in `time_base`.
    pub first_pts: i64,
    /// Number of priming samples that a decoder must drop at the start.
    pub priming: u32,
    /// Language as BCP 47 or ISO 639-2 declares it. `None` if undeclared or `und`.
    pub language: Option<String>,
    /// Title of the track, if it has one.
    pub title: Option<String>,
    /// Whether the container marks the track as default.
    pub default: bool,
}

/// Packet that says how later packets are coded, up to the next such packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Setup {
    /// Presentation time of the packet in the track's `time_base`, with joins applied.
    pub pts: i64,
    /// Byte offset of the packet in the source.
    pub position: u64,
}

/// Codec name of Matroska text tracks whose packets are the text of WebVTT cues.
pub const WEBVTT_CUES: &str = "webvtt_cues";
/// Codec name of MP4 text tracks whose packets are boxes with WebVTT cues (ISO/IEC 14496-30 §7.4).
pub const WEBVTT_BOXES: &str = "webvtt_boxes";

/// Text track of a source.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TextTrack {
    /// Index of the stream in the container.
    pub stream: u32,
    /// FFmpeg's name of the codec, e.g. `mov_text`.
    pub codec: String,
    /// Language as the source declares it. `None` if undeclared or `und`.
    pub language: Option<String>,
    /// Title of the track, if it has one.
    pub title: Option<String>,
    /// Whether the container marks the track as default.
    pub default: bool,
    /// Whether the container marks the track as forced.
    pub forced: bool,
}

/// Track of the source that no rendition is made of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SkippedTrack {
    /// Index of the stream in the container.
    pub stream: u32,
    /// Kind of the track: `video`, `audio`, `subtitle`, `data` or `attachment`.
    pub kind: String,
    /// FFmpeg's name of the codec, if FFmpeg knows the codec.
    pub codec: Option<String>,
    /// Reason why the track is left out, as a sentence.
    pub reason: String,
}

/// Chapter of a source.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chapter {
    /// Start of the chapter on the source's time line.
    pub start: Rational,
    /// End of the chapter on the source's time line.
    pub end: Rational,
    /// Title of the chapter.
    pub title: String,
}

/// How a position in the source is found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Index {
    /// The container has an index: seeks are exact.
    Container,
    /// The container has no index; these key frames were found by reading the whole source, in order.
    Scanned(Vec<KeyFrame>),
    /// There is no index, and seeks are not exact.
    None,
}

/// Key frame of a source without an index, found by a scan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyFrame {
    /// Presentation time in the video track's `time_base`.
    pub pts: i64,
    /// Byte offset at which the demuxer can start to reach this key frame.
    pub position: u64,
}

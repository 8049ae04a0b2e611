//! Settings of the operator that shape a plan: encoding effort, segment length, pass-through and limits.

use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};

/// Valid range of [`Policy::loudness_lufs`] in LUFS. Broadcasters ask for -23 or -24, phones for -16 or -14.
pub const LOUDNESS_LUFS: RangeInclusive<i32> = -40..=-5;

/// Rules by which a source becomes renditions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Policy {
    /// Encoding effort: the time that is spent on each frame.
    pub effort: Effort,
    /// Length in seconds, from 2 to 10, of the segments after the first few, which are shorter.
    pub segment_seconds: u32,
    /// Whether rate factors, caps and the choice of rungs depend on how hard a title is to encode.
    pub per_title: bool,
    /// Target loudness of audio in LUFS, applied once the loudness is measured. `None` leaves the audio as it is.
    pub loudness_lufs: Option<i32>,
    /// Whether a source's own H.264 is passed through as the top rung if players can play it as it is. Segments then
    /// meet at the source's key frames.
    pub passthrough: bool,
    /// Limits above which a source is refused.
    pub limits: Limits,
}

impl Default for Policy {
    fn default() -> Self {
        // Segments of 4 s save 5 % of the bytes and half the requests against 2 s for as long as a video is kept; a
        // seek into unmade segments is slower only while a title is new.
        Self {
            effort: Effort::Fast,
            segment_seconds: 4,
            per_title: true,
            loudness_lufs: None,
            passthrough: false,
            limits: Limits::default(),
        }
    }
}

/// Encoding effort of x264.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effort {
    /// Preset `superfast`, with those further settings that are worth their time.
    #[default]
    Fast,
    /// Preset `medium`.
    Balanced,
    /// Preset `slow`.
    Quality,
}

impl Effort {
    /// Name of the effort on the command line and in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Fast => "fast",
            Self::Balanced => "balanced",
            Self::Quality => "quality",
        }
    }

    /// Constant rate factor of every rung, in x264's scale.
    pub(crate) const fn crf(self) -> u32 {
        match self {
            Self::Fast => 24,
            Self::Balanced | Self::Quality => 23,
        }
    }

    /// Settings of x264 for a rung in a box with this short side in pixels.
    pub(crate) const fn x264(self, box_short: u32) -> Tuning {
        match self {
            Self::Fast => Tuning {
                preset: "superfast",
                references: 1,
                // The measurements are in docs/decisions/011-fast.md and 032-even-quality.md.
                further: match box_short <= LARGEST_SMALL_BOX {
                    true => {
                        ":mbtree=1:rc-lookahead=10:qcomp=0.5:aq-strength=0.8:subme=2:\
                         trellis=1:partitions=i8x8"
                    }
                    false => {
                        ":mbtree=1:rc-lookahead=10:qcomp=0.5:aq-strength=0.8:subme=1:\
                         trellis=1:partitions=i8x8"
                    }
                },
            },
            Self::Balanced => Tuning {
                preset: "medium",
                references: 3,
                further: "",
            },
            Self::Quality => Tuning {
                preset: "slow",
                references: 4,
                further: "",
            },
        }
    }
}

/// Short side in pixels of the largest box in which policy `fast` refines motion better. Small frames are less even
/// in quality, and they cost only a fifth of a ladder's time.
const LARGEST_SMALL_BOX: u32 = 480;

/// Settings of x264.
pub(crate) struct Tuning {
    pub(crate) preset: &'static str,
    /// Number of reference frames. More than four would raise the level of a 1080p stream above 4.0, the highest that
    /// old televisions play.
    pub(crate) references: u32,
    /// Settings that differ from the preset, each as `:key=value`.
    pub(crate) further: &'static str,
}

impl std::str::FromStr for Effort {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        [Self::Fast, Self::Balanced, Self::Quality]
            .into_iter()
            .find(|effort| effort.as_str() == text)
            .ok_or_else(|| format!("unknown policy `{text}`: expected fast, balanced or quality"))
    }
}

/// Limits above which a source is refused, before memory is spent on it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Longest side of a stored frame in pixels.
    pub side_px: u32,
    /// Largest number of pixels of a stored frame.
    pub frame_px: u64,
    /// Largest number of streams of any kind.
    pub streams: u32,
    /// Longest presentation in seconds.
    pub duration_seconds: u64,
    /// Highest frame rate in frames per second.
    pub frame_rate: u32,
    /// Largest source in bytes.
    pub size_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            side_px: 8192,
            frame_px: 33_554_432, // one frame of 8192x4096: 50 MB at 4:2:0
            streams: 32,
            duration_seconds: 12 * 3600,
            frame_rate: 300,
            size_bytes: 1 << 40, // a day of ProRes; the object count stays under 131,072
        }
    }
}

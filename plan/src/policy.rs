//! What the operator chooses, as far as it shapes a plan.

use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};

/// What [`Policy::loudness_lufs`] may be: broadcasters ask for -23 or -24, phones for -16 or -14.
pub const LOUDNESS_LUFS: RangeInclusive<i32> = -40..=-5;

/// How a source becomes renditions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Policy {
    /// How much time is spent on each frame.
    pub effort: Effort,
    /// Length of a segment once a player has started, in seconds: 2 to 10.
    pub segment_seconds: u32,
    /// Whether rate factors, caps and the choice of rungs follow how hard a title is to encode.
    pub per_title: bool,
    /// What sound is brought to once it is measured, in LUFS; nothing leaves it as it is.
    pub loudness_lufs: Option<i32>,
    /// Whether a source's own H.264 is the top rung where players take it as it is; segments then
    /// meet at its key frames.
    pub passthrough: bool,
    /// What is refused.
    pub limits: Limits,
}

impl Default for Policy {
    fn default() -> Self {
        // 4 s keeps 5 % of the bytes and half the requests against 2 s, for ever;
        // a cold seek is short only while a title is new.
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

/// x264 effort.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effort {
    /// `superfast` with what is worth its time.
    #[default]
    Fast,
    /// `medium`.
    Balanced,
    /// `slow`.
    Quality,
}

impl Effort {
    /// Its name on the command line and in the API.
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

    /// How x264 is told to work for the rung of a box with this short side.
    pub(crate) const fn x264(self, box_short: u32) -> Tuning {
        match self {
            Self::Fast => Tuning {
                preset: "superfast",
                references: 1,
                // docs/decisions/011-fast.md and 032-even-quality.md have the measurements.
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

/// The largest box in which policy `fast` refines motion better: its pictures are few pixels, whose quality is more
/// uneven, and cost a fifth of a ladder's time.
const LARGEST_SMALL_BOX: u32 = 480;

/// How x264 is told to work.
pub(crate) struct Tuning {
    pub(crate) preset: &'static str,
    /// Reference frames. More than four would raise the level of a 1080p stream past 4.0, which
    /// old televisions stop at.
    pub(crate) references: u32,
    /// Where it differs from the preset, `:key=value` each.
    pub(crate) further: &'static str,
}

impl std::str::FromStr for Effort {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        [Self::Fast, Self::Balanced, Self::Quality]
            .into_iter()
            .find(|effort| effort.as_str() == text)
            .ok_or_else(|| format!("no policy `{text}`: it is fast, balanced or quality"))
    }
}

/// Above these a source is refused before memory is spent on it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Longest side of a stored picture in pixels.
    pub side_px: u32,
    /// Pixels of a stored picture.
    pub frame_px: u64,
    /// Streams of any kind.
    pub streams: u32,
    /// Length of the presentation in seconds.
    pub duration_seconds: u64,
    /// Pictures per second.
    pub frame_rate: u32,
    /// Bytes of the source.
    pub size_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            side_px: 8192,
            frame_px: 33_554_432, // one 8192x4096 picture: 50 MB at 4:2:0
            streams: 32,
            duration_seconds: 12 * 3600,
            frame_rate: 300,
            size_bytes: 1 << 40, // a day of ProRes; the object count stays under 131,072
        }
    }
}

//! Video codecs of renditions.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Codec of a video rendition.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VideoCodec {
    /// H.264, made by x264. Every player supports it.
    #[default]
    H264,
    /// HEVC, made by x265.
    Hevc,
    /// AV1, made by SVT-AV1.
    Av1,
}

/// Codec that a video gets in addition to H.264 once its views are worth the encoding time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LazyCodec {
    /// HEVC video, with the AAC audio of H.264.
    Hevc,
    /// AV1 video, with Opus audio.
    Av1,
}

impl LazyCodec {
    /// All lazy codecs.
    pub const ALL: [Self; 2] = [Self::Hevc, Self::Av1];

    /// Name of the codec in settings and in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hevc => "hevc",
            Self::Av1 => "av1",
        }
    }

    /// Codec of the video renditions.
    pub const fn video(self) -> VideoCodec {
        match self {
            Self::Hevc => VideoCodec::Hevc,
            Self::Av1 => VideoCodec::Av1,
        }
    }
}

impl FromStr for LazyCodec {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let named = Self::ALL.into_iter().find(|codec| codec.as_str() == text);
        named.ok_or_else(|| format!("unknown codec `{text}`: expected hevc or av1"))
    }
}

//! The codecs that pictures are encoded in.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A codec of pictures.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VideoCodec {
    /// H.264, by x264: every player has it.
    #[default]
    H264,
    /// HEVC, by x265.
    Hevc,
    /// AV1, by SVT-AV1.
    Av1,
}

/// A codec that a video gets besides H.264, once that is worth its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LazyCodec {
    /// HEVC; its sound is that of H.264.
    Hevc,
    /// AV1, with Opus.
    Av1,
}

impl LazyCodec {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Hevc, Self::Av1];

    /// Its name in settings and in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hevc => "hevc",
            Self::Av1 => "av1",
        }
    }

    /// The codec of its pictures.
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
        named.ok_or_else(|| format!("no codec `{text}`: it is hevc or av1"))
    }
}

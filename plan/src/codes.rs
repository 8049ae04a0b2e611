//! The codes by which a video fails or carries a warning. Stable: clients match on them.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Why a video failed, or what was wrong with a part of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Code {
    /// The bytes are no media file.
    NotMedia,
    /// Neither picture nor sound in it.
    NoVideo,
    /// Nothing here decodes it.
    UnsupportedCodec,
    /// The samples are encrypted.
    Encrypted,
    /// The file ends before its content does.
    Truncated,
    /// Damaged.
    Corrupt,
    /// Frames wider, higher or larger than allowed.
    LimitDimensions,
    /// Longer than allowed.
    LimitDuration,
    /// More streams than allowed.
    LimitStreams,
    /// More frames per second than allowed.
    LimitFrameRate,
    /// More bytes than allowed.
    LimitSize,
    /// The source could not be read.
    SourceUnreachable,
    /// The upload never arrived whole.
    UploadLost,
    /// No space left where media is stored.
    NoSpace,
    /// The engine died at it.
    EngineCrashed,
    /// The engine took longer than the limit allows.
    EngineTimeout,
    /// The engine needed more memory than the limit allows.
    EngineMemory,
    /// A fault of reelmill's own.
    Internal,
}

impl Code {
    /// The stable spelling, as in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NotMedia => "not_media",
            Self::NoVideo => "no_video",
            Self::UnsupportedCodec => "unsupported_codec",
            Self::Encrypted => "encrypted",
            Self::Truncated => "truncated",
            Self::Corrupt => "corrupt",
            Self::LimitDimensions => "limit_dimensions",
            Self::LimitDuration => "limit_duration",
            Self::LimitStreams => "limit_streams",
            Self::LimitFrameRate => "limit_frame_rate",
            Self::LimitSize => "limit_size",
            Self::SourceUnreachable => "source_unreachable",
            Self::UploadLost => "upload_lost",
            Self::NoSpace => "no_space",
            Self::EngineCrashed => "engine_crashed",
            Self::EngineTimeout => "engine_timeout",
            Self::EngineMemory => "engine_memory",
            Self::Internal => "internal",
        }
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why no plan can be made of a source: a code for programs, a sentence for the uploader.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{code}: {message}")]
pub struct Rejection {
    /// The stable code.
    pub code: Code,
    /// One sentence that says what is wrong.
    pub message: String,
}

impl Rejection {
    /// A rejection with its sentence.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
        }
    }
}

/// Damage that leaves something to watch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Warning {
    /// The stable code.
    pub code: Code,
    /// One sentence for the uploader.
    pub message: String,
    /// From where to where in the presentation, in microseconds, where that is known.
    pub span_us: Option<(i64, i64)>,
}

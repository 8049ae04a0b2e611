//! The codes by which a video fails, and those of its notes. Stable: clients match on them.

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
    /// A note only: a track of the source is in no rendition.
    TrackSkipped,
    /// A note only: the source does not say it, and the usual was taken.
    Guessed,
    /// A note only: time stamps restart or jump, and the parts were laid end to end.
    TimeJoined,
    /// A note only: size, channels or the like change on the way, and were brought to one format.
    FormatChanges,
    /// A note only: a length that the source declares is contradicted by what it holds.
    LengthCorrected,
}

impl Code {
    /// Whether a note of this code tells of damage: of what was guessed or left out otherwise.
    pub const fn is_damage(self) -> bool {
        !matches!(
            self,
            Self::TrackSkipped
                | Self::Guessed
                | Self::TimeJoined
                | Self::FormatChanges
                | Self::LengthCorrected
                | Self::UnsupportedCodec
        )
    }

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
            Self::TrackSkipped => "track_skipped",
            Self::Guessed => "guessed",
            Self::TimeJoined => "time_joined",
            Self::FormatChanges => "format_changes",
            Self::LengthCorrected => "length_corrected",
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

/// What is to be said of a source that can be watched: damage, what was guessed, left out or is second-best.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// The stable code.
    pub code: Code,
    /// Which stream of the source it is about, counted from 0, where it is about one.
    #[serde(default)]
    pub track: Option<u32>,
    /// One sentence for the uploader.
    pub message: String,
    /// From where to where in the presentation, in microseconds, where that is known.
    pub span_us: Option<(i64, i64)>,
}

impl Note {
    /// A note about the whole source.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self {
            code,
            track: None,
            message: message.into(),
            span_us: None,
        }
    }

    /// The same about one of its streams.
    #[must_use]
    pub fn of_track(self, stream: u32) -> Self {
        Self {
            track: Some(stream),
            ..self
        }
    }
}

//! Stable codes of a video's failures and notes. Clients match on them.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Reason why a video failed, or problem with a part of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Code {
    /// The bytes are not a media file.
    NotMedia,
    /// The file contains neither video nor audio.
    NoVideo,
    /// No decoder of this installation can decode the codec.
    UnsupportedCodec,
    /// The samples are encrypted.
    Encrypted,
    /// The file ends before its content does.
    Truncated,
    /// The file is damaged.
    Corrupt,
    /// The frames are wider, higher or larger in area than allowed.
    LimitDimensions,
    /// The presentation is longer than allowed.
    LimitDuration,
    /// The file has more streams than allowed.
    LimitStreams,
    /// The video has more frames per second than allowed.
    LimitFrameRate,
    /// The file has more bytes than allowed.
    LimitSize,
    /// The source could not be read.
    SourceUnreachable,
    /// The upload never arrived completely.
    UploadLost,
    /// The storage for media is full.
    NoSpace,
    /// The engine process crashed while it worked on the source.
    EngineCrashed,
    /// The engine took longer than the limit allows.
    EngineTimeout,
    /// The engine needed more memory than the limit allows.
    EngineMemory,
    /// A fault inside reelmill.
    Internal,
    /// Only in notes: a track of the source is in no rendition.
    TrackSkipped,
    /// Only in notes: the source does not declare a property, and the usual value was assumed.
    Guessed,
    /// Only in notes: time stamps restart or jump, and the parts were joined end to end.
    TimeJoined,
    /// Only in notes: size, channels or a similar property change within the source, and were converted to one
    /// format.
    FormatChanges,
    /// Only in notes: a length that the source declares contradicts its content.
    LengthCorrected,
}

impl Code {
    /// Whether a note with this code reports damage. Other notes report a guess or an omission.
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

    /// Stable spelling of the code, as in JSON.
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

/// Reason why no plan can be made of a source: a code for programs and a sentence for the uploader.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{code}: {message}")]
pub struct Rejection {
    /// Stable code of the reason.
    pub code: Code,
    /// One sentence for the uploader that says what is wrong.
    pub message: String,
}

impl Rejection {
    /// Creates a rejection from a code and its sentence.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
        }
    }
}

/// Remark about a source that can be watched: damage, a guess, an omission or a second-best choice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// Stable code of the note.
    pub code: Code,
    /// Index of the source's stream that the note is about, counted from 0. `None` if the note is about the whole
    /// source.
    #[serde(default)]
    pub track: Option<u32>,
    /// One sentence for the uploader.
    pub message: String,
    /// Start and end of the affected part of the presentation in microseconds, if known.
    pub span_us: Option<(i64, i64)>,
}

impl Note {
    /// Creates a note about the whole source.
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self {
            code,
            track: None,
            message: message.into(),
            span_us: None,
        }
    }

    /// Returns this note as a note about one stream of the source.
    #[must_use]
    pub fn of_track(self, stream: u32) -> Self {
        Self {
            track: Some(stream),
            ..self
        }
    }
}

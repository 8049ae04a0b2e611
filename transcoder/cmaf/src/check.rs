//! Checks of the engine's products against the plan; only products that pass are stored. The engine reads untrusted
//! files, so its output is read here without trust and without unbounded memory.

mod boxes;
mod init;
mod segment;
mod units;

pub use self::init::{MOST_INIT_BYTES, init};
pub use self::segment::{most_bytes, segment};

/// Flaw of a product.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Flaw {
    /// The plan has no such rendition.
    #[error("the plan has no such rendition")]
    Rendition,
    /// The rendition has no such segment.
    #[error("the rendition has no such segment")]
    Index,
    /// The product has other boxes than the ones that we write, or has them in another form.
    #[error("its boxes are not those that we write")]
    Boxes,
    /// The product has fewer or more bytes than its boxes declare.
    #[error("it is shorter or longer than its boxes say")]
    Length,
    /// The product has more bytes than the plan allows.
    #[error("it is larger than its rendition's limit")]
    TooLarge,
    /// The sequence number belongs to another segment.
    #[error("its sequence number is another segment's")]
    SequenceNumber,
    /// The decode time is not that of the segment's start.
    #[error("it does not start at its segment's time")]
    DecodeTime,
    /// The segment has more or fewer frames than the plan says.
    #[error("it has more or fewer frames than planned")]
    FrameCount,
    /// A frame has no bytes, or too many.
    #[error("a frame is empty or too large")]
    FrameSize,
    /// A frame is shown outside of the segment, off the grid, or at the time of another frame.
    #[error("a frame is shown at a wrong time")]
    PresentationTime,
    /// The segment is longer or shorter than the plan says.
    #[error("it is longer or shorter than planned")]
    Duration,
    /// The segment does not begin with a picture at which decoding can start, or has another such picture later.
    #[error("its key frame is not its first frame, or not its only one")]
    KeyFrame,
    /// A frame has units that its codec does not have there.
    #[error("a frame has units that are cut off or not allowed")]
    Units,
    /// A frame has parameter sets that belong into the init segment, or others than the init segment has.
    #[error("its parameter sets are not those of its init segment")]
    ParameterSets,
    /// The codec, profile or level is not the plan's.
    #[error("its codec is not the plan's")]
    Codec,
}

impl Flaw {
    /// Stable name of the flaw, for logs and reports.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Rendition => "rendition",
            Self::Index => "index",
            Self::Boxes => "boxes",
            Self::Length => "length",
            Self::TooLarge => "too_large",
            Self::SequenceNumber => "sequence_number",
            Self::DecodeTime => "decode_time",
            Self::FrameCount => "frame_count",
            Self::FrameSize => "frame_size",
            Self::PresentationTime => "presentation_time",
            Self::Duration => "duration",
            Self::KeyFrame => "key_frame",
            Self::Units => "units",
            Self::ParameterSets => "parameter_sets",
            Self::Codec => "codec",
        }
    }
}

//! Whether what an engine made is what the plan says: nothing else is stored. The engine reads strangers'
//! files, so what it says is read here as a stranger's: without trust, without unbounded memory.

mod boxes;
mod init;
mod segment;
mod units;

pub use self::init::{MOST_INIT_BYTES, init};
pub use self::segment::{most_bytes, segment};

/// What is wrong with a product.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Flaw {
    /// The plan has no such rendition.
    #[error("the plan has no such rendition")]
    Rendition,
    /// The rendition has no such segment.
    #[error("the rendition has no such segment")]
    Index,
    /// It holds other boxes, or these in another form, than the ones we write.
    #[error("its boxes are none of ours")]
    Boxes,
    /// Bytes are missing from its end, or there are more.
    #[error("it is shorter or longer than its boxes say")]
    Length,
    /// It has more bytes than the plan allows.
    #[error("it is larger than its rendition's limit")]
    TooLarge,
    /// Its sequence number is another segment's.
    #[error("its sequence number is another segment's")]
    SequenceNumber,
    /// It does not start where the segment does.
    #[error("it starts at another time")]
    DecodeTime,
    /// It has more or fewer frames.
    #[error("it has more or fewer frames")]
    FrameCount,
    /// A frame has no bytes, or too many.
    #[error("a frame is empty or too large")]
    FrameSize,
    /// A frame is shown outside of the segment, off the grid, or when another one is.
    #[error("a frame is shown at a time that is not its own")]
    PresentationTime,
    /// It lasts longer or shorter.
    #[error("it lasts longer or shorter")]
    Duration,
    /// It does not begin with a picture that decoding can start at, or has another one later.
    #[error("its key frame is not its first frame, or not its only one")]
    KeyFrame,
    /// What is in a frame is none of what its codec has there.
    #[error("a frame's units are cut, or none that a frame has")]
    Units,
    /// It brings parameter sets that belong into the init segment, or other ones than that has.
    #[error("its parameter sets are not those of its init segment")]
    ParameterSets,
    /// Its codec, profile or level is not the plan's.
    #[error("its codec is not the plan's")]
    Codec,
}

impl Flaw {
    /// The stable spelling, for logs and reports.
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

//! What the two sides say. Bulk bytes travel beside a message, as its payload.

use plan::{Code, Limits, Loudness, MediaInfo, Plan, RenditionId, Size};
use serde::{Deserialize, Serialize};

/// The version of these messages, and of all that travels in them: raised by hand when any of
/// it changes, so that programs of different builds say so instead of misreading one another.
pub const PROTOCOL: u32 = 15;

/// From the parent to the engine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum ToEngine {
    /// The first message: the source's size and what the session may use.
    Open {
        /// Bytes of the whole source, which is immutable.
        size: u64,
        /// What the session may use.
        budget: Budget,
        /// What is refused before memory is spent on it.
        limits: Limits,
    },
    /// The answer to [`ToParent::Read`]; the payload holds the bytes, as many as were asked for but at the source's
    /// end. Where they cannot be read the session ends.
    Bytes {
        /// The question's number.
        read: u32,
    },
    /// Something to make. Orders are carried out one after another.
    Order {
        /// Chosen by the parent; the engine's answers carry it.
        order: u32,
        /// What.
        what: Order,
    },
    /// The plan that later orders refer to.
    Plan(Box<Plan>),
    /// Stop between two frames until `Resume`; memory stays.
    Hold,
    /// Go on.
    Resume,
    /// Stop the order between two frames and answer `Done`: what is whole by then is made, the
    /// rest is not. Nothing where the order is done already.
    Abandon {
        /// Which order.
        order: u32,
    },
    /// Somebody else has made it: do not spend time on it.
    Skip {
        /// Of which rendition.
        rendition: RenditionId,
        /// Which segment.
        segment: u32,
    },
}

/// What a session may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Budget {
    /// Threads that encode.
    pub encode_threads: u32,
    /// Threads that decode.
    pub decode_threads: u32,
    /// Bytes of memory; decides how many rungs are encoded from one decode.
    pub memory_bytes: u64,
}

/// Something to make.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Order {
    /// Find out what the source is.
    Probe,
    /// The init segments of these renditions.
    Inits {
        /// Any of the plan's picture and sound.
        renditions: Vec<RenditionId>,
    },
    /// Segments `first .. first + count` of these renditions.
    Segments {
        /// Of which renditions; any of the plan's picture and sound.
        renditions: Vec<RenditionId>,
        /// The first.
        first: u32,
        /// How many.
        count: u32,
    },
    /// A filler in place of a segment that cannot be made: the last good picture held, silence.
    Filler {
        /// Of which rendition.
        rendition: RenditionId,
        /// Which segment.
        segment: u32,
    },
    /// A still.
    Still(Still),
    /// The cue lists of every text track of the plan's source.
    Texts,
    /// How loud each of the plan's sound renditions is before its gain.
    Loudness,
}

/// A still picture, or a sheet of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Still {
    /// The best of some candidates, as JPEG and as WebP.
    Poster,
    /// One sheet of the storyboard.
    Sheet(u32),
    /// The picture at a whole second, in a width.
    Thumbnail {
        /// Seconds from the start of the presentation.
        second: u32,
        /// Width in pixels; the height follows.
        width: u32,
    },
    /// The same of what is stored: the session's source is the init segment of a rendition of the plan and the
    /// segment in which that second lies. It is made as [`Made::Thumbnail`] too.
    StoredThumbnail {
        /// Of which rendition.
        rendition: RenditionId,
        /// Which segment.
        segment: u32,
        /// Seconds from the start of the presentation.
        second: u32,
        /// Width in pixels; the height follows.
        width: u32,
    },
}

/// From the engine to the parent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum ToParent {
    /// The cage is shut and the engine waits for work.
    Ready {
        /// The protocol it speaks: [`PROTOCOL`].
        protocol: u32,
        /// Names and versions of the libraries, for reports.
        libraries: String,
        /// Parts of the cage that this kernel does not have.
        lacking: Vec<String>,
    },
    /// Bytes `offset .. offset + length` of the source, please.
    Read {
        /// The question's number.
        read: u32,
        /// From where.
        offset: u64,
        /// How many.
        length: u32,
    },
    /// The engine works at this segment now: what fails next, failed at it.
    At {
        /// Of which order.
        order: u32,
        /// At which rendition; nothing where the decode serves several.
        rendition: Option<RenditionId>,
        /// At which segment.
        segment: u32,
    },
    /// A source without an index is read whole by its probe, which has come so far.
    Scanned {
        /// Of its bytes, rounded down.
        percent: u8,
    },
    /// The probe's answer.
    Probed {
        /// Of which order.
        order: u32,
        /// What was found.
        info: Box<MediaInfo>,
    },
    /// Something whole; the payload holds its bytes.
    Made {
        /// Of which order.
        order: u32,
        /// What it is.
        what: Made,
    },
    /// An order is carried out.
    Done {
        /// Which.
        order: u32,
    },
    /// An order cannot be carried out; the engine waits for the next one.
    Failed {
        /// Which.
        order: u32,
        /// Why.
        failure: EngineFailure,
    },
}

/// Something whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Made {
    /// An init segment.
    Init(RenditionId),
    /// A segment.
    Segment {
        /// Of which rendition.
        rendition: RenditionId,
        /// Which.
        segment: u32,
        /// The init segment that its encoder declares: the stored one, or it is of no use.
        init: Vec<u8>,
        /// How it went.
        report: SegmentReport,
    },
    /// A poster as JPEG.
    PosterJpeg(Size),
    /// A poster as WebP.
    PosterWebp(Size),
    /// A sheet of the storyboard.
    Sheet(u32),
    /// A thumbnail.
    Thumbnail {
        /// Seconds from the start of the presentation.
        second: u32,
        /// Width in pixels.
        width: u32,
    },
    /// The cues of a text track, as JSON of [`plan::CueList`].
    Cues {
        /// Which of `info.text`.
        track: u32,
    },
    /// How loud each of the plan's `audio` is; without a payload.
    Loudness(Vec<Loudness>),
}

/// Statistics of one segment; nothing depends on them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SegmentReport {
    /// Time spent in the encoder, in microseconds.
    pub encode_us: u64,
    /// Frames or AAC frames in it.
    pub frames: u32,
    /// How often it was encoded: more than once where the first exceeded the cap.
    pub attempts: u32,
    /// Whether some of its picture or sound could not be decoded as it should.
    pub damaged: bool,
    /// Whether some of its picture or sound had another size, shape, colour, rate or number of channels in the source
    /// than the rest of the track, and was brought to that.
    pub converted: bool,
}

/// Why an order failed, in the engine's words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{code}: {message}")]
pub struct EngineFailure {
    /// The stable code.
    pub code: Code,
    /// One sentence.
    pub message: String,
}

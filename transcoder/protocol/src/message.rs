//! Messages of both sides. Large data travels beside a message, as its payload.

use plan::{Code, Limits, Loudness, MediaInfo, Plan, RenditionId, Size};
use serde::{Deserialize, Serialize};

/// Version of these messages and of all types in them. It is raised by hand when any of them changes, so that
/// programs of different builds report the difference instead of misreading one another.
pub const PROTOCOL: u32 = 15;

/// Message from the parent to the engine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum ToEngine {
    /// The first message of a session: the source's size, and the limits of the session.
    Open {
        /// Size in bytes of the whole source, which is immutable.
        size: u64,
        /// Threads and memory that the session may use.
        budget: Budget,
        /// Limits above which the source is refused, before memory is spent on it.
        limits: Limits,
    },
    /// The answer to [`ToParent::Read`]. The payload has the requested bytes; there are fewer only at the end of the
    /// source. If the bytes cannot be read, the session ends instead.
    Bytes {
        /// Number of the request that is answered.
        read: u32,
    },
    /// An order. The engine carries out orders one after another.
    Order {
        /// Number of the order, chosen by the parent. The engine's answers carry it.
        order: u32,
        /// Work to be done.
        what: Order,
    },
    /// The plan to which later orders refer.
    Plan(Box<Plan>),
    /// Stop between two frames until `Resume`. Memory stays allocated.
    Hold,
    /// Continue after `Hold`.
    Resume,
    /// Stop the order between two frames and answer `Done`. Segments that are complete by then stay made. The message
    /// has no effect on an order that is done.
    Abandon {
        /// Number of the order to stop.
        order: u32,
    },
    /// Do not make this segment, because another session has made it.
    Skip {
        /// Rendition of the segment.
        rendition: RenditionId,
        /// Index of the segment.
        segment: u32,
    },
}

/// Resources that a session may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Budget {
    /// Number of encoding threads.
    pub encode_threads: u32,
    /// Number of decoding threads.
    pub decode_threads: u32,
    /// Memory in bytes. It decides how many rungs are encoded from one decode.
    pub memory_bytes: u64,
}

/// Kind of work that the parent can order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Order {
    /// Find out the source's properties.
    Probe,
    /// Make the init segments of these renditions.
    Inits {
        /// Renditions; any video and audio renditions of the plan.
        renditions: Vec<RenditionId>,
    },
    /// Make the segments `first .. first + count` of these renditions.
    Segments {
        /// Renditions; any video and audio renditions of the plan.
        renditions: Vec<RenditionId>,
        /// Index of the first segment.
        first: u32,
        /// Number of segments.
        count: u32,
    },
    /// Make a filler for a segment that cannot be made: the last good frame held, or silence.
    Filler {
        /// Rendition of the segment.
        rendition: RenditionId,
        /// Index of the segment.
        segment: u32,
    },
    /// Make a still image.
    Still(Still),
    /// Extract the cues of every text track of the plan's source.
    Texts,
    /// Measure the loudness of each of the plan's audio renditions before its gain.
    Loudness,
}

/// Still image, or a sheet of several images.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Still {
    /// The poster: the best of some candidate frames, as JPEG and as WebP.
    Poster,
    /// One sheet of the storyboard, by its index.
    Sheet(u32),
    /// The frame at a whole second, scaled to a width.
    Thumbnail {
        /// Time in seconds from the start of the presentation.
        second: u32,
        /// Width in pixels. The height follows from the aspect ratio.
        width: u32,
    },
    /// A thumbnail from stored media. The session's source is then the init segment of a rendition of the plan,
    /// followed by the segment that contains the second. The result is [`Made::Thumbnail`] too.
    StoredThumbnail {
        /// Rendition of the segment.
        rendition: RenditionId,
        /// Index of the segment.
        segment: u32,
        /// Time in seconds from the start of the presentation.
        second: u32,
        /// Width in pixels. The height follows from the aspect ratio.
        width: u32,
    },
}

/// Message from the engine to the parent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum ToParent {
    /// The sandbox is active, and the engine waits for work.
    Ready {
        /// Version of the protocol that the engine speaks: [`PROTOCOL`].
        protocol: u32,
        /// Names and versions of the libraries, for reports.
        libraries: String,
        /// Parts of the sandbox that this kernel does not support.
        lacking: Vec<String>,
    },
    /// Request for the bytes `offset .. offset + length` of the source.
    Read {
        /// Number of the request, which the answer repeats.
        read: u32,
        /// Offset of the first byte.
        offset: u64,
        /// Number of bytes.
        length: u32,
    },
    /// The engine now works at this segment. Later failures count against it.
    At {
        /// Number of the order.
        order: u32,
        /// Rendition at which the engine works. `None` if one decode serves several renditions.
        rendition: Option<RenditionId>,
        /// Index of the segment.
        segment: u32,
    },
    /// Progress of the probe while it reads a source without an index from start to end.
    Scanned {
        /// Part of the source's bytes that were read, in per cent, rounded down.
        percent: u8,
    },
    /// The result of a probe.
    Probed {
        /// Number of the order.
        order: u32,
        /// Properties of the source.
        info: Box<MediaInfo>,
    },
    /// A complete result, whose bytes are the payload.
    Made {
        /// Number of the order.
        order: u32,
        /// Kind of the result.
        what: Made,
    },
    /// The order is carried out.
    Done {
        /// Number of the order.
        order: u32,
    },
    /// The order cannot be carried out. The engine waits for the next one.
    Failed {
        /// Number of the order.
        order: u32,
        /// Reason of the failure.
        failure: EngineFailure,
    },
}

/// Kind of a complete result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Made {
    /// The init segment of a rendition.
    Init(RenditionId),
    /// A segment.
    Segment {
        /// Rendition of the segment.
        rendition: RenditionId,
        /// Index of the segment.
        segment: u32,
        /// Init segment that the segment's encoder declares. If it differs from the stored one, the segment cannot be
        /// used.
        init: Vec<u8>,
        /// Statistics of the segment.
        report: SegmentReport,
    },
    /// A poster as JPEG, with its size in pixels.
    PosterJpeg(Size),
    /// A poster as WebP, with its size in pixels.
    PosterWebp(Size),
    /// A sheet of the storyboard, by its index.
    Sheet(u32),
    /// A thumbnail.
    Thumbnail {
        /// Time in seconds from the start of the presentation.
        second: u32,
        /// Width in pixels.
        width: u32,
    },
    /// The cues of a text track, as JSON of [`plan::CueList`].
    Cues {
        /// Index of the track in `info.text`.
        track: u32,
    },
    /// Loudness of each rendition in the plan's `audio`. There is no payload.
    Loudness(Vec<Loudness>),
}

/// Statistics of one segment. Nothing depends on them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SegmentReport {
    /// Time spent in the encoder, in microseconds.
    pub encode_us: u64,
    /// Number of video frames, or of audio frames, in the segment.
    pub frames: u32,
    /// Number of encodes of the segment. It is above one if the first exceeded the cap.
    pub attempts: u32,
    /// Whether a part of the segment's video or audio could not be decoded correctly.
    pub damaged: bool,
    /// Whether a part of the segment had another size, shape, color, rate or number of channels in the source than
    /// the rest of the track, and was converted.
    pub converted: bool,
}

/// Reason why an order failed, as the engine states it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{code}: {message}")]
pub struct EngineFailure {
    /// Stable code of the reason.
    pub code: Code,
    /// One sentence that describes the reason.
    pub message: String,
}

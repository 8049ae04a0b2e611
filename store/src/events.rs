//! Events: notifications of changes, for all processes that subscribe.

use async_trait::async_trait;
use plan::{SegmentKey, VideoId};
use serde::{Deserialize, Serialize};

use crate::metadata::State;
use crate::{Error, ImageFormat};

/// Notification of a change. It is sent after the change is durable.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Event {
    /// A video's row has changed.
    VideoChanged {
        /// Video whose row has changed.
        video: VideoId,
        /// State of the video after the change.
        state: State,
        /// Epoch of the row after the change.
        epoch: u64,
    },
    /// A media segment was stored. Init segments have no event.
    SegmentStored {
        /// Key of the stored segment.
        key: SegmentKey,
        /// Size of the segment in bytes.
        size: u64,
    },
    /// A video's poster was stored in one of its formats.
    PosterStored {
        /// Video to which the poster belongs.
        video: VideoId,
        /// Image format in which the poster was stored.
        format: ImageFormat,
    },
    /// More bytes of a source are durable.
    UploadProgress {
        /// Video whose source is being uploaded.
        video: VideoId,
        /// Number of durable bytes of the whole source.
        received_bytes: u64,
    },
    /// Progress of reading a source that has no index. The event is sent while the source is read, and is never
    /// logged.
    SourceScanned {
        /// Video whose source is read.
        video: VideoId,
        /// Part of the source's bytes that were read, in per cent.
        percent: u8,
    },
    /// A video was deleted.
    Deleted {
        /// Video that was deleted.
        video: VideoId,
    },
}

impl Event {
    /// Video to which the event belongs.
    pub const fn video(&self) -> VideoId {
        match self {
            Self::VideoChanged { video, .. }
            | Self::PosterStored { video, .. }
            | Self::UploadProgress { video, .. }
            | Self::SourceScanned { video, .. }
            | Self::Deleted { video } => *video,
            Self::SegmentStored { key, .. } => key.video,
        }
    }

    /// Whether the event log keeps the event. The content of the other events can be found by listing what is stored.
    pub const fn is_logged(&self) -> bool {
        matches!(self, Self::VideoChanged { .. } | Self::Deleted { .. })
    }
}

/// Broadcast of events to all subscribers. Implementations: in process, NATS.
///
/// Each event is delivered at most once, in order for each publisher. A subscriber that falls behind is told so, and
/// reads the stores again. Nothing may depend on the arrival of an event for correctness.
#[async_trait]
pub trait Events: Send + Sync {
    /// Sends an event to every subscriber, without waiting for any of them.
    async fn publish(&self, event: Event) -> Result<(), Error>;

    /// Subscribes to all events that are published from now on.
    async fn subscribe(&self) -> Result<Box<dyn Subscription>, Error>;
}

/// Subscription of one listener.
#[async_trait]
pub trait Subscription: Send {
    /// Waits for the next event. The future may be dropped at any time.
    async fn next(&mut self) -> Received;
}

/// Result of waiting for an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Received {
    /// An event arrived.
    Event(Event),
    /// Events were lost: the subscriber must read the stores again.
    Lagged,
    /// No more events will come.
    Closed,
}

//! What has just happened, told to whoever listens.

use async_trait::async_trait;
use plan::{SegmentKey, VideoId};
use serde::{Deserialize, Serialize};

use crate::{Error, ImageFormat};
use crate::metadata::State;

/// Something that has just happened. Told after it is durable.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Event {
    /// A video's row has changed.
    VideoChanged {
        /// Whose.
        video: VideoId,
        /// Its state now.
        state: State,
        /// Its row's epoch now.
        epoch: u64,
    },
    /// A segment was stored (the init segment is not one).
    SegmentStored {
        /// Which.
        key: SegmentKey,
        /// In bytes.
        size: u64,
    },
    /// A video's poster was stored in one of its formats.
    PosterStored {
        /// The video that the poster stands for.
        video: VideoId,
        /// The format that it was stored in.
        format: ImageFormat,
    },
    /// More of a source is durable.
    UploadProgress {
        /// Whose.
        video: VideoId,
        /// Of the whole source.
        received_bytes: u64,
    },
    /// A source that has no index is being read for one. Told while it is, and never kept.
    SourceScanned {
        /// Whose.
        video: VideoId,
        /// Of its bytes.
        percent: u8,
    },
    /// A video was deleted.
    Deleted {
        /// Which.
        video: VideoId,
    },
}

impl Event {
    /// Which video it is about.
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

    /// Whether the event log keeps it. The others are told by what is stored.
    pub const fn is_logged(&self) -> bool {
        matches!(self, Self::VideoChanged { .. } | Self::Deleted { .. })
    }
}

/// Broadcast. Implementations: in process, NATS.
///
/// At most once, in order per publisher; a receiver that falls behind is told so and
/// reads the stores again. Nothing may be correct only because an event arrives.
#[async_trait]
pub trait Events: Send + Sync {
    /// Tells every subscriber; does not wait for any.
    async fn publish(&self, event: Event) -> Result<(), Error>;

    /// Hears everything published from now on.
    async fn subscribe(&self) -> Result<Box<dyn Subscription>, Error>;
}

/// One listener.
#[async_trait]
pub trait Subscription: Send {
    /// The next event. Safe to drop at any time.
    async fn next(&mut self) -> Received;
}

/// What a listener hears.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Received {
    /// An event.
    Event(Event),
    /// Some were lost: what is known must be read again.
    Lagged,
    /// Nothing will come any more.
    Closed,
}

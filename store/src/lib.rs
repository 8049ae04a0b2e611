//! The seams of reelmill: objects, metadata, work and events.
//!
//! Above this crate nobody knows which kind of store stands behind a trait.
//! [`local`] is the embedded kind: files, SQLite and in-process queues; [`cluster`] is the
//! kind of many machines: S3, ScyllaDB or Cassandra, and NATS.

pub mod clock;
pub mod cluster;
pub mod error;
pub mod events;
pub mod ids;
pub mod jitter;
pub mod key;
pub mod local;
pub mod metadata;
pub mod objects;
pub mod work;

use std::sync::Arc;

pub use clock::{Clock, ManualClock, Moment, SystemClock};
pub use error::Error;
pub use events::{Event, Events, Received, Subscription};
pub use ids::{Ids, Secret, SecretHash};
pub use jitter::Jitter;
pub use key::{CachePolicy, ImageFormat, Layout, ObjectKey, Prefix};
pub use metadata::Metadata;
pub use objects::{Created, Listed, ObjectInfo, ObjectRead, Objects};
pub use work::Work;

/// Rows alone, and what new ones are made with: all that people, tokens and lists need.
pub trait Rows: Sync {
    /// The rows.
    fn metadata(&self) -> &dyn Metadata;
    /// The only allocator of ids and secrets.
    fn ids(&self) -> &Ids;
    /// The only source of time.
    fn clock(&self) -> &dyn Clock;
}

impl Rows for Stores {
    fn metadata(&self) -> &dyn Metadata {
        &*self.metadata
    }
    fn ids(&self) -> &Ids {
        &self.ids
    }
    fn clock(&self) -> &dyn Clock {
        &*self.clock
    }
}

/// Everything a role of reelmill works with; cheap to clone.
#[derive(Clone)]
pub struct Stores {
    /// Blobs by key.
    pub objects: Arc<dyn Objects>,
    /// Rows: videos, uploads, people.
    pub metadata: Arc<dyn Metadata>,
    /// Hints at what should be made next.
    pub work: Arc<dyn Work>,
    /// What has just happened.
    pub events: Arc<dyn Events>,
    /// The only source of time.
    pub clock: Arc<dyn Clock>,
    /// The only allocator of ids and secrets.
    pub ids: Ids,
    /// The only source of randomness that need not be secret.
    pub jitter: Arc<Jitter>,
}

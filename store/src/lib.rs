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
use std::time::Duration;

pub use clock::{Clock, ManualClock, Moment, SystemClock};
pub use error::Error;
pub use events::{Event, Events, Received, Subscription};
pub use ids::{Ids, Secret, SecretHash};
pub use jitter::Jitter;
pub use key::{CachePolicy, ImageFormat, Layout, ObjectKey, Prefix};
pub use metadata::Metadata;
pub use objects::{Checksum, Created, Listed, ObjectInfo, ObjectRead, Objects};
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

/// Rows beside the processes that may be using them.
pub struct RowsAlone {
    metadata: Box<dyn Metadata>,
    ids: Ids,
    clock: Arc<dyn Clock>,
}

impl RowsAlone {
    fn new(metadata: impl Metadata + 'static, clock: Arc<dyn Clock>) -> Self {
        Self {
            metadata: Box::new(metadata),
            ids: Ids::new(Arc::clone(&clock)),
            clock,
        }
    }
}

impl Rows for RowsAlone {
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

/// How long a store may take to say that it is there.
const ANSWER: Duration = Duration::from_secs(3);

impl Stores {
    /// Which of them do not answer now; for probes and people.
    pub async fn silent(&self) -> Vec<&'static str> {
        let page = metadata::PageRequest::first(1);
        let (objects, space, rows, messages) = futures::join!(
            self.objects_answer(),
            tokio::time::timeout(ANSWER, self.objects.free_bytes()),
            tokio::time::timeout(ANSWER, self.metadata.videos().list(None, &page)),
            tokio::time::timeout(ANSWER, self.events.subscribe()),
        );
        let answers = [
            ("objects", objects && matches!(space, Ok(Ok(_)))),
            ("metadata", matches!(rows, Ok(Ok(_)))),
            ("messages", matches!(messages, Ok(Ok(_)))),
        ];
        let silent = answers.into_iter().filter(|(_, answers)| !answers);
        silent.map(|(name, _)| name).collect()
    }

    /// Whether objects can be read now, of which there need be none.
    pub async fn objects_answer(&self) -> bool {
        let nothing = ObjectKey::Report {
            video: self.ids.video(),
            session: self.ids.session(),
        };
        let head = tokio::time::timeout(ANSWER, self.objects.head(&nothing)).await;
        matches!(head, Ok(Ok(_)))
    }
}

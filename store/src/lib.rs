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
    /// How each of them is now, for probes and people: nothing where it does what it is asked, else what is wrong, in short.
    pub async fn states(&self) -> [(&'static str, Option<&'static str>); 3] {
        let page = metadata::PageRequest::first(1);
        let (head, space, rows, messages) = futures::join!(
            state(self.head_of_nothing()),
            state(self.objects.free_bytes()),
            state(self.metadata.videos().list(None, &page)),
            state(self.events.subscribe()),
        );
        [
            ("objects", head.or(space)),
            ("metadata", rows),
            ("messages", messages),
        ]
    }

    /// Whether objects can be read now, of which there need be none.
    pub async fn objects_answer(&self) -> bool {
        state(self.head_of_nothing()).await.is_none()
    }

    async fn head_of_nothing(&self) -> Result<(), Error> {
        let nothing = ObjectKey::Report {
            video: self.ids.video(),
            session: self.ids.session(),
        };
        self.objects.head(&nothing).await.map(drop)
    }
}

/// What is wrong, if anything, with a store that is asked something.
async fn state<T>(asking: impl Future<Output = Result<T, Error>>) -> Option<&'static str> {
    match tokio::time::timeout(ANSWER, asking).await {
        Ok(Ok(_)) => None,
        Ok(Err(error)) => Some(error.in_short()),
        Err(_) => Some("no answer"),
    }
}

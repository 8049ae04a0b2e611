//! Storage interfaces of reelmill: objects, metadata, work and events.
//!
//! No code outside of this crate knows which store stands behind a trait. [`local`] has the embedded implementations:
//! files, SQLite and in-process queues. [`cluster`] has those for many machines: S3, ScyllaDB or Cassandra, and NATS.
//! Begin reading at [`Stores`] and at the traits [`Objects`], [`Metadata`], [`Work`] and [`Events`]; one contract
//! suite (`tests/contract/`) tests all implementations.

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

/// Access to rows without objects, work and events, and to what new rows are made with. Users, tokens and lists need
/// only this.
pub trait Rows: Sync {
    /// Access to the tables.
    fn metadata(&self) -> &dyn Metadata;
    /// The only allocator of ids and secrets.
    fn ids(&self) -> &Ids;
    /// The only source of time.
    fn clock(&self) -> &dyn Clock;
}

/// The rows of a store without its objects, work and events, for a command that runs beside a server.
pub struct RowsOnly {
    metadata: Box<dyn Metadata>,
    ids: Ids,
    clock: Arc<dyn Clock>,
}

impl RowsOnly {
    fn new(metadata: impl Metadata + 'static, clock: Arc<dyn Clock>) -> Self {
        Self {
            metadata: Box::new(metadata),
            ids: Ids::new(Arc::clone(&clock)),
            clock,
        }
    }
}

impl Rows for RowsOnly {
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

/// All stores that a role of reelmill works with. Clones are cheap.
#[derive(Clone)]
pub struct Stores {
    /// Objects by key: media, plans, sources.
    pub objects: Arc<dyn Objects>,
    /// Rows: videos, uploads, owners.
    pub metadata: Arc<dyn Metadata>,
    /// Hints what is to be made next.
    pub work: Arc<dyn Work>,
    /// Notifications of changes.
    pub events: Arc<dyn Events>,
    /// The only source of time.
    pub clock: Arc<dyn Clock>,
    /// The only allocator of ids and secrets.
    pub ids: Ids,
    /// The only source of randomness that need not be secret.
    pub jitter: Arc<Jitter>,
}

/// Longest time for a store's answer to a health check. Later answers count as failures.
const HEALTH_CHECK_TIMEOUT: Duration = Duration::from_secs(3);

impl Stores {
    /// State of each store for health checks and status pages: its name, and `None` if it works or a short
    /// description of the failure.
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

    /// Whether objects can be read now. The check reads an object that does not exist.
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

/// Short description of the failure if a request to a store fails or takes too long. `None` if it succeeds.
async fn state<T>(asking: impl Future<Output = Result<T, Error>>) -> Option<&'static str> {
    match tokio::time::timeout(HEALTH_CHECK_TIMEOUT, asking).await {
        Ok(Ok(_)) => None,
        Ok(Err(error)) => Some(error.in_short()),
        Err(_) => Some("no answer"),
    }
}

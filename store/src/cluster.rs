//! The stores of many machines: S3, CQL for rows, and NATS for work and events.

mod breaker;
pub mod events;
pub mod metadata;
pub mod nats;
pub mod objects;
pub mod work;

use std::sync::Arc;

use crate::{Clock, Ids, Jitter, Objects, RowsAlone, Stores};
use events::NatsEvents;
use metadata::{Cql, CqlMetadata};
use nats::{Connection, Nats};
use objects::{GuardedObjects, RowedObjects, S3, S3Objects};
use work::NatsWork;

/// What the drivers log unless somebody wants to know more, as a filter of `tracing`: they tell of
/// every connection, and of every statement in a keyspace that is used without its name.
pub const LOGGED: &str = "async_nats=warn,scylla=warn,scylla::network::connection=error";

/// Where all of a cluster's stores are.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Blobs by key.
    pub objects: S3,
    /// Rows.
    pub metadata: Cql,
    /// Work and events.
    pub messages: Nats,
}

/// Why a cluster's stores cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The bucket.
    #[error(transparent)]
    Objects(#[from] objects::OpenError),
    /// The keyspace.
    #[error(transparent)]
    Metadata(#[from] metadata::OpenError),
    /// NATS.
    #[error(transparent)]
    Messages(#[from] nats::OpenError),
}

/// Objects that keep the contract, whatever their store can do.
fn guarded(
    objects: S3Objects,
    rows: &Arc<CqlMetadata>,
    clock: &Arc<dyn Clock>,
) -> Arc<dyn Objects> {
    let keeps = objects.keeps();
    let objects = GuardedObjects::new(objects, Arc::clone(clock));
    if keeps {
        return Arc::new(objects);
    }
    tracing::info!("the object store replaces what is there: rows decide what is published");
    Arc::new(RowedObjects::new(objects, Arc::clone(rows)))
}

/// The stores of many machines.
pub struct Cluster;

impl Cluster {
    /// Opens all of them, and tries what each must be able to do.
    ///
    /// # Errors
    /// Where one does not answer, or cannot do it.
    pub async fn open(settings: &Settings, clock: Arc<dyn Clock>) -> Result<Stores, OpenError> {
        let objects = S3Objects::open(&settings.objects).await?;
        let metadata = CqlMetadata::open(&settings.metadata, Arc::clone(&clock)).await?;
        let metadata = Arc::new(metadata);
        let connection = Connection::open(&settings.messages, Arc::clone(&clock)).await?;
        Ok(Stores {
            objects: guarded(objects, &metadata, &clock),
            metadata,
            work: Arc::new(NatsWork::open(&connection).await?),
            events: Arc::new(NatsEvents::new(&connection)),
            ids: Ids::new(Arc::clone(&clock)),
            jitter: Arc::new(Jitter::from_entropy()),
            clock,
        })
    }

    /// Opens the rows alone.
    ///
    /// # Errors
    /// Where the keyspace cannot be used.
    pub async fn rows(settings: &Cql, clock: Arc<dyn Clock>) -> Result<RowsAlone, OpenError> {
        let metadata = CqlMetadata::open(settings, Arc::clone(&clock)).await?;
        Ok(RowsAlone::new(metadata, clock))
    }
}

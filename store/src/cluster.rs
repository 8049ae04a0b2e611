//! The cluster stores, for many machines: S3 for objects, CQL for rows, and NATS for work and events.
//!
//! Begin reading at [`Cluster::open`]. The modules mirror those of `local/`.

mod breaker;
pub mod events;
pub mod metadata;
pub mod nats;
pub mod objects;
pub mod work;

use std::sync::Arc;

use crate::{Clock, Ids, Jitter, Objects, RowsOnly, Stores};
use events::NatsEvents;
use metadata::{Cql, CqlMetadata};
use nats::{Connection, Nats};
use objects::{GuardedObjects, RowedObjects, S3, S3Objects};
use work::NatsWork;

/// Default log filter of `tracing` for the drivers, which otherwise log every connection, and every statement in a
/// keyspace that is used without its name.
pub const LOGGED: &str = "async_nats=warn,scylla=warn,scylla::network::connection=error";

/// Addresses and credentials of all stores of a cluster.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The object store.
    pub objects: S3,
    /// The database of rows.
    pub metadata: Cql,
    /// The messaging server for work and events.
    pub messages: Nats,
}

/// Reason why the stores of a cluster cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The bucket cannot be used.
    #[error(transparent)]
    Objects(#[from] objects::OpenError),
    /// The keyspace cannot be used.
    #[error(transparent)]
    Metadata(#[from] metadata::OpenError),
    /// NATS cannot be used.
    #[error(transparent)]
    Messages(#[from] nats::OpenError),
}

/// Wraps the object store so that it keeps the contract of [`Objects`], whatever the store itself supports.
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
    tracing::info!(
        "the object store cannot refuse to replace objects: rows decide which object is published"
    );
    Arc::new(RowedObjects::new(objects, Arc::clone(rows)))
}

/// Opener of the cluster stores.
pub struct Cluster;

impl Cluster {
    /// Opens all stores, and tests that each supports what is needed.
    ///
    /// # Errors
    /// If a store does not answer or lacks a needed feature.
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

    /// Opens only the database of rows.
    ///
    /// # Errors
    /// If the keyspace cannot be used.
    pub async fn rows(settings: &Cql, clock: Arc<dyn Clock>) -> Result<RowsOnly, OpenError> {
        let metadata = CqlMetadata::open(settings, Arc::clone(&clock)).await?;
        Ok(RowsOnly::new(metadata, clock))
    }
}

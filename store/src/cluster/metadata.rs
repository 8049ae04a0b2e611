//! Metadata in CQL tables, for ScyllaDB and Apache Cassandra. Each module implements one repository.
//!
//! Rows change only by conditional writes, and only these decide about a row. Lists of rows are stored separately by
//! unconditional writes: an entry is added before a row may belong to a list, and removed after the row has left it.
//! Readers of a list therefore check each row itself. View counts are CQL counters, some of whose updates may be
//! lost.

mod database;
mod event_log;
mod failure;
mod migrations;
mod owners;
mod published;
mod settings;
mod sign_ins;
mod tokens;
mod tries;
mod uploads;
mod value;
mod video_lists;
mod videos;
mod views;

use std::sync::Arc;

use crate::metadata::{EventLog, Owners, SignIns, Tokens, Tries, Uploads, Videos, Views};
use crate::{Clock, Metadata};
use database::Database;
pub use settings::{Access, Cql, OpenError};

/// All repositories in one keyspace.
pub struct CqlMetadata {
    database: Database,
    clock: Arc<dyn Clock>,
    /// Position of the event log's end, as far as this process knows.
    latest: event_log::Latest,
}

impl CqlMetadata {
    /// Opens a keyspace whose schema has this program's version.
    pub async fn open(settings: &Cql, clock: Arc<dyn Clock>) -> Result<Self, OpenError> {
        let database = Database::connect(settings, Arc::clone(&clock)).await?;
        migrations::check(&database, settings).await?;
        let latest = event_log::Latest::default();
        Ok(Self {
            database,
            clock,
            latest,
        })
    }

    /// Creates a keyspace unless it exists. `with` is the part after `WITH` in the CQL statement: replication and
    /// other options.
    pub async fn create(settings: &Cql, with: &str) -> Result<(), OpenError> {
        database::create_keyspace(settings, with).await
    }

    /// Brings a keyspace's schema up to date. An operator runs this once for each version, and not concurrently: two
    /// concurrent creations of the same table may result in two tables.
    pub async fn migrate(settings: &Cql, clock: Arc<dyn Clock>) -> Result<(), OpenError> {
        let database = Database::connect(settings, clock).await?;
        migrations::run(&database, settings).await
    }
}

impl Metadata for CqlMetadata {
    fn videos(&self) -> &dyn Videos {
        self
    }
    fn uploads(&self) -> &dyn Uploads {
        self
    }
    fn tries(&self) -> &dyn Tries {
        self
    }
    fn views(&self) -> &dyn Views {
        self
    }
    fn owners(&self) -> &dyn Owners {
        self
    }
    fn tokens(&self) -> &dyn Tokens {
        self
    }
    fn sign_ins(&self) -> &dyn SignIns {
        self
    }
    fn event_log(&self) -> &dyn EventLog {
        self
    }
}

//! Metadata in tables of CQL: ScyllaDB, and Apache Cassandra.
//!
//! A row that is changed is changed by conditional writes only, and those alone decide: lists
//! of rows are kept beside them by plain writes, before a row may belong to them and until it
//! no longer does, and whoever reads a list looks at each row itself. Views are counters, of which
//! some may be lost.

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
    /// Where the event log is.
    latest: event_log::Latest,
}

impl CqlMetadata {
    /// Opens a keyspace whose schema is this program's.
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

    /// Makes a keyspace, unless there is one of that name. `with` is what follows `WITH` in the
    /// statement that makes it: how it is replicated, and what else the cluster wants to know.
    pub async fn create(settings: &Cql, with: &str) -> Result<(), OpenError> {
        database::create_keyspace(settings, with).await
    }

    /// Brings a keyspace's schema up to date. For an operator, once for each version: two that
    /// make the same table at the same time may end up with two.
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

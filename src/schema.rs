//! `reelmill schema`: creates or updates the tables of a cluster's keyspace.

use anyhow::{Context, Result};
use store::cluster::metadata::CqlMetadata;

use crate::cli::Schema;
use crate::{server, stores};

/// Creates or updates the tables.
pub fn run(arguments: &Schema) -> Result<()> {
    let settings = server::settings(arguments.config.as_deref())?;
    let cluster = settings.cluster.as_ref();
    let cluster = cluster.context(
        "the settings have no [cluster]; on one machine, the server updates SQLite itself",
    )?;
    let cql = cluster.metadata.cql()?;
    tokio::runtime::Runtime::new()?.block_on(async {
        if let Some(with) = &arguments.create {
            CqlMetadata::create(&cql, with).await?;
        }
        CqlMetadata::migrate(&cql, stores::clock()).await
    })?;
    println!("the keyspace {} is up to date", cql.keyspace);
    Ok(())
}

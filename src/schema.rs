//! `reelmill schema`: makes a keyspace's tables, or brings them up to date.

use anyhow::{Context, Result};
use store::cluster::metadata::CqlMetadata;

use crate::cli::Schema;
use crate::{server, stores};

pub fn run(arguments: &Schema) -> Result<()> {
    let settings = server::settings(arguments.config.as_deref())?;
    let cluster = settings.cluster.as_ref();
    let cluster = cluster.context("the settings have no [cluster]: files need no schema")?;
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

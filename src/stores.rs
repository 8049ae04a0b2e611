//! Opens the stores that the settings name: the embedded ones in a data folder, or those of a cluster.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result};
use store::cluster::Cluster;
use store::local::Local;
use store::objects::disk_cache::DiskCache;
use store::{Clock, Layout, RowsOnly, Stores, SystemClock};

use crate::settings::{Bytes, Settings};

/// Opens the embedded stores of a data folder: files, SQLite and queues in memory. The folder is locked while the
/// stores live.
pub fn local(data: &Path) -> Result<Stores> {
    Ok(Local::open(data, Layout::Store, clock())?)
}

/// Prints a warning if other users of this machine can read the data folder. Earlier versions created folders that
/// everybody could read.
pub fn warn_if_others_can_read(data: &Path) {
    let mode = data.metadata().map(|found| found.permissions().mode());
    if mode.is_ok_and(|mode| mode & 0o077 != 0) {
        let folder = data.display();
        eprintln!(
            "warning: other users of this machine can read {folder}; run `chmod 700 {folder}` to prevent that"
        );
    }
}

/// Opens the stores of the section `[cluster]`: S3, CQL and NATS.
pub async fn cluster(settings: &Settings) -> Result<Stores> {
    let cluster = settings.cluster.as_ref();
    let cluster = cluster.context(
        "the settings have no [cluster], which this command needs; on one machine run `reelmill serve`",
    )?;
    Ok(Cluster::open(&cluster.stores()?, clock()).await?)
}

/// Puts a disk cache in front of the object store if the setting `disk_cache` asks for one, and returns the stores with
/// the cache.
pub async fn with_disk_cache(
    mut stores: Stores,
    settings: &Settings,
) -> Result<(Stores, Option<Arc<DiskCache>>)> {
    let Some(Bytes(bytes)) = settings.origin.disk_cache else {
        return Ok((stores, None));
    };
    let cache = DiskCache::open(stores.objects, &settings.data.join("cache"), bytes).await?;
    let cache = Arc::new(cache);
    stores.objects = cache.clone();
    Ok((stores, Some(cache)))
}

/// Opens the metadata store alone. This works while other processes use the same data.
pub async fn open_metadata(settings: &Settings) -> Result<RowsOnly> {
    Ok(match &settings.cluster {
        Some(cluster) => Cluster::rows(&cluster.metadata.cql()?, clock()).await?,
        None => Local::rows(&settings.data, clock())?,
    })
}

/// The clock of this machine.
pub fn clock() -> Arc<dyn Clock> {
    Arc::new(SystemClock::new())
}

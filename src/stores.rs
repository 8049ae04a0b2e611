//! The stores that the settings name.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result};
use store::cluster::Cluster;
use store::local::Local;
use store::objects::disk_cache::DiskCache;
use store::{Clock, Layout, RowsAlone, Stores, SystemClock};

use crate::settings::{Bytes, Settings};

/// The embedded ones.
pub fn local(data: &Path) -> Result<Stores> {
    Ok(Local::open(data, Layout::Store, clock())?)
}

/// Says where other users of this machine can read a data folder, as they can those that earlier versions made.
pub fn say_who_reads(data: &Path) {
    let mode = data.metadata().map(|found| found.permissions().mode());
    if mode.is_ok_and(|mode| mode & 0o077 != 0) {
        let folder = data.display();
        eprintln!("other users of this machine can read {folder}; `chmod 700 {folder}` ends that");
    }
}

/// Those of many machines.
pub async fn cluster(settings: &Settings) -> Result<Stores> {
    let cluster = settings.cluster.as_ref();
    let cluster = cluster.context(
        "the settings have no [cluster]: without it there is one process, `reelmill serve`",
    )?;
    Ok(Cluster::open(&cluster.stores()?, clock()).await?)
}

/// An origin's, which keeps on disk what it has read where the settings say so.
pub async fn near(
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

/// The rows alone, beside the processes that may be using them.
pub async fn rows(settings: &Settings) -> Result<RowsAlone> {
    Ok(match &settings.cluster {
        Some(cluster) => Cluster::rows(&cluster.metadata.cql()?, clock()).await?,
        None => Local::rows(&settings.data, clock())?,
    })
}

pub fn clock() -> Arc<dyn Clock> {
    Arc::new(SystemClock::new())
}

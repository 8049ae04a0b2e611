//! Cache of published objects on a disk that is nearer than their store.
//!
//! A published object's name is a hash of all that shapes its bytes, so cached objects never become stale; deleted
//! ones are not requested any more. foyer stores them in blocks, of which the oldest is evicted, compares checksums
//! when it reads, and finds them again after a crash.

use std::io::{Read, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use foyer::{
    BlockEngineConfig, Code, DeviceBuilder, FsDeviceBuilder, HybridCache, HybridCacheBuilder,
    HybridCachePolicy,
};
use futures::{StreamExt, stream};

use super::Layer;
use crate::local::lock::FolderLock;
use crate::{CachePolicy, Error, ObjectInfo, ObjectKey, ObjectRead, Objects, local};

/// Memory in bytes for objects that are being written to the disk. Requests for files have a memory cache of their
/// own.
const WRITE_BUFFER_BYTES: usize = 16 << 20;
/// Smallest size of a block in bytes. Every object fits: a segment of ten seconds at the highest cap has about 10 MB.
const SMALLEST_BLOCK: usize = 16 << 20;
/// Largest number of blocks. Each is a file that stays open.
const MOST_BLOCKS: usize = 256;
/// Smallest number of blocks with which the cache is useful.
const FEWEST_BLOCKS: usize = 8;

/// Smallest size of a cache in bytes.
pub const SMALLEST: u64 = (FEWEST_BLOCKS * SMALLEST_BLOCK) as u64;

/// Reason why a folder cannot be used as a cache.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The folder cannot be used, or another process uses it.
    #[error(transparent)]
    Folder(#[from] local::OpenError),
    /// The folder's content cannot be read.
    #[error("{} cannot be used as a cache, and can be removed: {reason}", folder.display())]
    Unusable {
        /// Path of the folder.
        folder: PathBuf,
        /// Reason given by the cache library.
        reason: String,
    },
}

/// Object store with a disk cache in front: published objects are kept on disk once they were read as a whole.
pub struct DiskCache {
    objects: Arc<dyn Objects>,
    kept: HybridCache<String, Kept>,
    hits: AtomicU64,
    misses: AtomicU64,
    /// Number of replacements and deletions. A reader compares it before and after a read.
    changes: AtomicU64,
    _lock: FolderLock,
}

/// Cached object.
#[derive(Clone, Debug)]
struct Kept {
    modified_us: i64,
    /// ETag of the object; empty if the store has none.
    etag: String,
    bytes: Bytes,
}

impl DiskCache {
    /// Opens a cache of at most `bytes` bytes, at least [`SMALLEST`], in a folder of its own, which is created if
    /// necessary. Objects that an earlier process cached there are found again.
    ///
    /// # Errors
    /// If the folder cannot be used.
    pub async fn open(
        objects: Arc<dyn Objects>,
        folder: &Path,
        bytes: u64,
    ) -> Result<Self, OpenError> {
        let unusable = |reason: &dyn std::fmt::Display| OpenError::Unusable {
            folder: folder.to_owned(),
            reason: reason.to_string(),
        };
        std::fs::create_dir_all(folder).map_err(|error| unusable(&error))?;
        let lock = FolderLock::take(folder, &folder.join("lock"))?;
        let bytes = usize::try_from(bytes.max(SMALLEST)).unwrap_or(usize::MAX);
        let device = FsDeviceBuilder::new(folder).with_capacity(bytes).build();
        let device = device.map_err(|error| unusable(&error))?;
        let block = SMALLEST_BLOCK.max(bytes / MOST_BLOCKS);
        let kept = HybridCacheBuilder::new()
            .with_name("objects")
            .with_policy(HybridCachePolicy::WriteOnInsertion)
            .memory(WRITE_BUFFER_BYTES)
            .with_shards(1)
            .with_weighter(|key: &String, kept: &Kept| key.len() + kept.bytes.len())
            .storage()
            .with_engine_config(BlockEngineConfig::new(device).with_block_size(block))
            .build();
        Ok(Self {
            objects,
            kept: kept.await.map_err(|error| unusable(&error))?,
            hits: AtomicU64::default(),
            misses: AtomicU64::default(),
            changes: AtomicU64::default(),
            _lock: lock,
        })
    }

    /// Numbers of objects that were read from the cache and from the store since the cache was opened.
    pub fn hits_and_misses(&self) -> (u64, u64) {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        (read(&self.hits), read(&self.misses))
    }

    /// Waits until all cached objects are on disk.
    pub async fn close(&self) {
        if let Err(error) = self.kept.close().await {
            tracing::warn!(%error, "the disk cache was not closed cleanly");
        }
    }

    /// Removes objects from the cache after the store has replaced or deleted them.
    async fn forget(&self, keys: &[ObjectKey]) {
        let is_kept = |key: &&ObjectKey| key.cache() == CachePolicy::Immutable;
        let paths: Vec<String> = keys.iter().filter(is_kept).map(ObjectKey::path).collect();
        if !paths.is_empty() {
            self.changes.fetch_add(1, Ordering::SeqCst);
            self.remove(&paths).await;
        }
    }

    /// Removes cached objects by path. An object that is still being written to the disk would reappear, so its write
    /// is awaited first.
    async fn remove(&self, paths: &[String]) {
        self.kept.storage().wait().await;
        for path in paths {
            self.kept.remove(path);
        }
    }

    /// Looks an object up in the cache. A disk that fails counts as empty.
    async fn find(&self, path: &String) -> Option<Kept> {
        match self.kept.get(path).await {
            Ok(found) => found.map(|entry| entry.value().clone()),
            Err(error) => {
                tracing::debug!(%error, "the disk cache cannot be read");
                None
            }
        }
    }
}

#[async_trait]
impl Layer for DiskCache {
    fn below(&self) -> &dyn Objects {
        &*self.objects
    }

    async fn put(&self, key: &ObjectKey, body: Bytes) -> Result<(), Error> {
        self.objects.put(key, body).await?;
        self.forget(std::slice::from_ref(key)).await;
        Ok(())
    }

    async fn read(&self, key: &ObjectKey, range: Option<Range<u64>>) -> Result<ObjectRead, Error> {
        if key.cache() != CachePolicy::Immutable || range.is_some() {
            return self.objects.read(key, range).await;
        }
        let path = key.path();
        if let Some(kept) = self.find(&path).await {
            self.hits.fetch_add(1, Ordering::Relaxed);
            return Ok(kept.opened());
        }
        self.misses.fetch_add(1, Ordering::Relaxed);
        let changes = self.changes.load(Ordering::SeqCst);
        let read = self.objects.read(key, None).await?;
        let info = read.info.clone();
        let kept = Kept {
            modified_us: info.modified_us,
            etag: info.etag.unwrap_or_default(),
            bytes: read.bytes().await?,
        };
        // After a change, these bytes may be older than the change. They are not cached, or are removed if the change
        // happened during caching.
        let is_changed = || self.changes.load(Ordering::SeqCst) != changes;
        if !is_changed() {
            self.kept.insert(path.clone(), kept.clone());
            if is_changed() {
                self.remove(&[path]).await;
            }
        }
        Ok(kept.opened())
    }

    async fn delete(&self, keys: &[ObjectKey]) -> Result<(), Error> {
        // The store deletes first: otherwise a reader in between would bring the object back into the cache.
        let done = self.objects.delete(keys).await;
        self.forget(keys).await;
        done
    }
}

impl Kept {
    fn opened(self) -> ObjectRead {
        let size = self.bytes.len() as u64;
        ObjectRead {
            info: ObjectInfo {
                size,
                modified_us: self.modified_us,
                etag: (!self.etag.is_empty()).then_some(self.etag),
            },
            range: 0..size,
            body: stream::iter([Ok(self.bytes)]).boxed(),
        }
    }
}

impl Code for Kept {
    fn encode(&self, writer: &mut impl Write) -> foyer::Result<()> {
        self.modified_us.encode(writer)?;
        self.etag.encode(writer)?;
        self.bytes.encode(writer)
    }

    fn decode(reader: &mut impl Read) -> foyer::Result<Self> {
        Ok(Self {
            modified_us: i64::decode(reader)?,
            etag: String::decode(reader)?,
            bytes: Bytes::decode(reader)?,
        })
    }

    fn estimated_size(&self) -> usize {
        size_of::<i64>() + self.etag.estimated_size() + self.bytes.estimated_size()
    }
}

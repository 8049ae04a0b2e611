//! `put_if_absent` for object stores that cannot refuse to replace an object: a row decides which bytes are
//! published.
//!
//! A body is stored under its own hash, and then a row is inserted unless one exists. Then the object that the row
//! names is copied to the final key. The object under a key always has the bytes whose hash its row records, whoever
//! copies them and however often. A process that dies in between leaves nothing that the next one does not complete.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use sha2::{Digest, Sha256};

use super::GuardedObjects;
use crate::cluster::metadata::CqlMetadata;
use crate::objects::Layer;
use crate::{Created, Error, ObjectKey, Objects};

/// Number of checks for an object that another process has published and is about to copy, or has copied and removed
/// from staging.
const MOST_CHECKS: u32 = 8;

/// Object store that replaces objects, with rows that prevent it.
pub struct RowedObjects {
    objects: GuardedObjects,
    rows: Arc<CqlMetadata>,
}

impl RowedObjects {
    /// Combines a bucket with rows. The keyspace must be as old as the bucket's first object.
    pub fn new(objects: GuardedObjects, rows: Arc<CqlMetadata>) -> Self {
        Self { objects, rows }
    }

    /// Ensures that the published object is at its key.
    async fn complete(&self, staged: &ObjectKey, key: &ObjectKey) -> Result<(), Error> {
        for _ in 0..MOST_CHECKS {
            if self.objects.head(key).await?.is_some() {
                return Ok(());
            }
            match self.objects.copy(staged, key).await {
                // Another process has copied the object and removed it from staging.
                Err(Error::NotFound) => {}
                copied => return copied,
            }
        }
        Err(Error::unavailable(format!(
            "the object {key:?} is repeatedly stored and deleted"
        )))
    }
}

#[async_trait]
impl Layer for RowedObjects {
    fn below(&self) -> &dyn Objects {
        &self.objects
    }

    async fn put_if_absent(&self, key: &ObjectKey, body: Bytes) -> Result<Created, Error> {
        let video = key.video();
        let video = video
            .ok_or_else(|| Error::corrupt(format!("the object {key:?} belongs to no video")))?;
        let (path, size) = (key.path(), body.len() as u64);
        let hash = hash_of(&path, &body);
        let staged = |hash: &str| ObjectKey::Staged {
            video,
            hash: hash.to_owned(),
        };
        let own = staged(&hash);
        self.objects.put(&own, body).await?;
        let (published, is_first) = self.rows.publish(&path, &hash, size).await?;
        self.complete(&staged(&published), key).await?;
        self.objects.delete(&[own]).await?;
        Ok(if is_first { Created::Yes } else { Created::No })
    }

    async fn delete(&self, keys: &[ObjectKey]) -> Result<(), Error> {
        // Rows are removed first: after a kill in between, a repetition finds the objects again, but would not find
        // the rows.
        let paths = keys.iter().filter(|key| key.is_published());
        let paths = paths.map(ObjectKey::path).collect();
        self.rows.withdraw(paths).await?;
        self.objects.delete(keys).await
    }
}

/// Hash of a staged object. It contains the key, so that nobody removes what is staged for another key.
fn hash_of(path: &str, body: &[u8]) -> String {
    let mut hash = Sha256::new();
    hash.update((path.len() as u64).to_be_bytes());
    hash.update(path);
    hash.update(body);
    hash.finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

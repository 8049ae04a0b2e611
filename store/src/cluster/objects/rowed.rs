//! Objects of a store that would replace what is there: a row says which bytes were first.
//!
//! A body is put under its own hash; then a row is written unless there is one; then what the row
//! names is copied to its key. So a key never has but the bytes that its row names, whoever
//! copies them and however often, and who dies in between leaves nothing that the next does not
//! complete.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use sha2::{Digest, Sha256};

use super::GuardedObjects;
use crate::cluster::metadata::CqlMetadata;
use crate::objects::Layer;
use crate::{Created, Error, ObjectKey, Objects};

/// Looks for what another has published and is about to copy, or has copied and cleared away.
const LOOKS: u32 = 8;

/// Objects in a bucket that replaces, kept by rows from doing so.
pub struct RowedObjects {
    objects: GuardedObjects,
    rows: Arc<CqlMetadata>,
}

impl RowedObjects {
    /// Rows lie in a keyspace that is as old as the bucket's first object.
    pub fn new(objects: GuardedObjects, rows: Arc<CqlMetadata>) -> Self {
        Self { objects, rows }
    }

    /// What the row names is at its key when this returns.
    async fn complete(&self, staged: &ObjectKey, key: &ObjectKey) -> Result<(), Error> {
        for _ in 0..LOOKS {
            if self.objects.head(key).await?.is_some() {
                return Ok(());
            }
            match self.objects.copy(staged, key).await {
                // Another has copied it, and cleared it away since.
                Err(Error::NotFound) => {}
                copied => return copied,
            }
        }
        Err(Error::unavailable(format!("{key:?} comes and goes")))
    }
}

#[async_trait]
impl Layer for RowedObjects {
    fn below(&self) -> &dyn Objects {
        &self.objects
    }

    async fn put_if_absent(&self, key: &ObjectKey, body: Bytes) -> Result<Created, Error> {
        let video = key.video();
        let video = video.ok_or_else(|| Error::corrupt(format!("{key:?} is nobody's")))?;
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
        // Rows first: who is killed between the two finds the objects again, and not the rows.
        let paths = keys.iter().filter(|key| key.is_published());
        let paths = paths.map(ObjectKey::path).collect();
        self.rows.withdraw(paths).await?;
        self.objects.delete(keys).await
    }
}

/// Of the key too: nobody clears away what is staged for another.
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

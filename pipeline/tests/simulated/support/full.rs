//! A disk that is full when told so.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use store::objects::Listing;
use store::{Created, Error, ObjectInfo, ObjectKey, ObjectRead, Objects, Prefix};

pub struct FullDisk {
    objects: Arc<dyn Objects>,
    full: AtomicBool,
}

impl FullDisk {
    pub fn new(objects: Arc<dyn Objects>) -> Self {
        let full = AtomicBool::new(false);
        Self { objects, full }
    }

    /// From now on segments find no space, or do again.
    pub fn set_full(&self, full: bool) {
        self.full.store(full, Ordering::SeqCst);
    }

    fn admit(&self, key: &ObjectKey) -> Result<(), Error> {
        let refused = matches!(key, ObjectKey::Segment(_)) && self.full.load(Ordering::SeqCst);
        if refused { Err(Error::NoSpace) } else { Ok(()) }
    }
}

#[async_trait]
impl Objects for FullDisk {
    async fn put(&self, key: &ObjectKey, body: Bytes) -> Result<(), Error> {
        self.admit(key)?;
        self.objects.put(key, body).await
    }

    async fn put_if_absent(&self, key: &ObjectKey, body: Bytes) -> Result<Created, Error> {
        self.admit(key)?;
        self.objects.put_if_absent(key, body).await
    }

    async fn read(&self, key: &ObjectKey, range: Option<Range<u64>>) -> Result<ObjectRead, Error> {
        self.objects.read(key, range).await
    }

    async fn head(&self, key: &ObjectKey) -> Result<Option<ObjectInfo>, Error> {
        self.objects.head(key).await
    }

    async fn list(&self, prefix: &Prefix) -> Result<Listing, Error> {
        self.objects.list(prefix).await
    }

    async fn delete(&self, keys: &[ObjectKey]) -> Result<(), Error> {
        self.objects.delete(keys).await
    }

    async fn free_bytes(&self) -> Result<Option<u64>, Error> {
        self.objects.free_bytes().await
    }
}

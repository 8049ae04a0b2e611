//! Objects that are left alone while their store does not answer.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;

use super::S3Objects;
use crate::cluster::breaker::Breaker;
use crate::objects::{Listing, SignedPut};
use crate::{Checksum, Clock, Created, Error, ObjectInfo, ObjectKey, ObjectRead, Objects, Prefix};

/// Objects in a bucket behind a breaker.
pub struct GuardedObjects {
    objects: S3Objects,
    breaker: Breaker,
}

impl GuardedObjects {
    /// Nothing has failed yet.
    pub fn new(objects: S3Objects, clock: Arc<dyn Clock>) -> Self {
        Self {
            objects,
            breaker: Breaker::new("the object store", clock),
        }
    }
}

impl GuardedObjects {
    /// Copies an object to another key, in place of one that is there.
    pub(super) async fn copy(&self, from: &ObjectKey, to: &ObjectKey) -> Result<(), Error> {
        self.breaker.ask(self.objects.copy(from, to)).await
    }
}

#[async_trait]
impl Objects for GuardedObjects {
    async fn put(&self, key: &ObjectKey, body: Bytes) -> Result<(), Error> {
        self.breaker.ask(self.objects.put(key, body)).await
    }

    async fn put_if_absent(&self, key: &ObjectKey, body: Bytes) -> Result<Created, Error> {
        let put = self.objects.put_if_absent(key, body);
        self.breaker.ask(put).await
    }

    async fn read(&self, key: &ObjectKey, range: Option<Range<u64>>) -> Result<ObjectRead, Error> {
        self.breaker.ask(self.objects.read(key, range)).await
    }

    async fn head(&self, key: &ObjectKey) -> Result<Option<ObjectInfo>, Error> {
        self.breaker.ask(self.objects.head(key)).await
    }

    async fn checksum(&self, key: &ObjectKey) -> Result<Option<Checksum>, Error> {
        self.breaker.ask(self.objects.checksum(key)).await
    }

    async fn list(&self, prefix: &Prefix) -> Result<Listing, Error> {
        self.breaker.ask(self.objects.list(prefix)).await
    }

    async fn delete(&self, keys: &[ObjectKey]) -> Result<(), Error> {
        self.breaker.ask(self.objects.delete(keys)).await
    }

    async fn sign_put(
        &self,
        key: &ObjectKey,
        bytes: u64,
        within: Duration,
    ) -> Result<Option<SignedPut>, Error> {
        self.objects.sign_put(key, bytes, within).await
    }

    async fn free_bytes(&self) -> Result<Option<u64>, Error> {
        self.objects.free_bytes().await
    }
}

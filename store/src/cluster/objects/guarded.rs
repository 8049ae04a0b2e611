//! Object store behind a circuit breaker, which also remembers for a while that the bucket is full.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use parking_lot::Mutex;

use super::S3Objects;
use crate::cluster::breaker::Breaker;
use crate::objects::{Listing, SignedPut};
use crate::{
    Checksum, Clock, Created, Error, Moment, ObjectInfo, ObjectKey, ObjectRead, Objects, Prefix,
};

/// Time for which a bucket counts as full after it refused an object for lack of space. S3 cannot report free space,
/// so only the next attempt tells. Space that becomes free is noticed at most this much later.
const COUNTS_AS_FULL_FOR: Duration = Duration::from_secs(30);

/// Objects in a bucket behind a circuit breaker.
pub struct GuardedObjects {
    objects: S3Objects,
    breaker: Breaker,
    clock: Arc<dyn Clock>,
    /// Time of the last refusal for lack of space; `None` if an object was stored since.
    refused: Mutex<Option<Moment>>,
}

impl GuardedObjects {
    /// Creates a closed breaker around a bucket.
    pub fn new(objects: S3Objects, clock: Arc<dyn Clock>) -> Self {
        Self {
            objects,
            breaker: Breaker::new("the object store", clock.clone()),
            clock,
            refused: Mutex::default(),
        }
    }

    /// Records from the result of a store operation whether there is space.
    fn record_space<T>(&self, stored: Result<T, Error>) -> Result<T, Error> {
        match &stored {
            Ok(_) => *self.refused.lock() = None,
            Err(Error::NoSpace) => *self.refused.lock() = Some(self.clock.now()),
            Err(_) => {}
        }
        stored
    }
}

impl GuardedObjects {
    /// Copies an object to another key, and replaces an existing object there.
    pub(super) async fn copy(&self, from: &ObjectKey, to: &ObjectKey) -> Result<(), Error> {
        self.breaker.ask(self.objects.copy(from, to)).await
    }
}

#[async_trait]
impl Objects for GuardedObjects {
    async fn put(&self, key: &ObjectKey, body: Bytes) -> Result<(), Error> {
        let stored = self.breaker.ask(self.objects.put(key, body)).await;
        self.record_space(stored)
    }

    async fn put_if_absent(&self, key: &ObjectKey, body: Bytes) -> Result<Created, Error> {
        let put = self.objects.put_if_absent(key, body);
        let stored = self.breaker.ask(put).await;
        self.record_space(stored)
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
        let refused = *self.refused.lock();
        let is_full = refused.is_some_and(|then| self.clock.now().since(then) < COUNTS_AS_FULL_FOR);
        Ok(is_full.then_some(0))
    }
}

//! Objects that are left alone while their store does not answer, and of which it is known for a while that they are full.

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

/// For how long a bucket that refused something for lack of space is taken for full. S3 has no word for how much is free,
/// so that only the next try tells; it comes at most so much later than there is space.
const FULL: Duration = Duration::from_secs(30);

/// Objects in a bucket behind a breaker.
pub struct GuardedObjects {
    objects: S3Objects,
    breaker: Breaker,
    clock: Arc<dyn Clock>,
    /// When something was last refused for lack of space, if nothing was stored since.
    refused: Mutex<Option<Moment>>,
}

impl GuardedObjects {
    /// Nothing has failed yet.
    pub fn new(objects: S3Objects, clock: Arc<dyn Clock>) -> Self {
        Self {
            objects,
            breaker: Breaker::new("the object store", clock.clone()),
            clock,
            refused: Mutex::default(),
        }
    }

    /// What came of storing something says whether there is space.
    fn noting_space<T>(&self, stored: Result<T, Error>) -> Result<T, Error> {
        match &stored {
            Ok(_) => *self.refused.lock() = None,
            Err(Error::NoSpace) => *self.refused.lock() = Some(self.clock.now()),
            Err(_) => {}
        }
        stored
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
        let stored = self.breaker.ask(self.objects.put(key, body)).await;
        self.noting_space(stored)
    }

    async fn put_if_absent(&self, key: &ObjectKey, body: Bytes) -> Result<Created, Error> {
        let put = self.objects.put_if_absent(key, body);
        let stored = self.breaker.ask(put).await;
        self.noting_space(stored)
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
        let is_full = refused.is_some_and(|then| self.clock.now().since(then) < FULL);
        Ok(is_full.then_some(0))
    }
}

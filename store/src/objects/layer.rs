//! Layers on top of an object store.

use std::ops::Range;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;

use super::{Checksum, Created, Listing, ObjectInfo, ObjectRead, Objects, SignedPut};
use crate::{Error, ObjectKey, Prefix};

/// Object store that changes some requests and passes all others to the store below.
#[async_trait]
pub trait Layer: Send + Sync {
    /// The store to which requests are passed.
    fn below(&self) -> &dyn Objects;

    /// See [`Objects::put`].
    async fn put(&self, key: &ObjectKey, body: Bytes) -> Result<(), Error> {
        self.below().put(key, body).await
    }

    /// See [`Objects::put_if_absent`].
    async fn put_if_absent(&self, key: &ObjectKey, body: Bytes) -> Result<Created, Error> {
        self.below().put_if_absent(key, body).await
    }

    /// See [`Objects::read`].
    async fn read(&self, key: &ObjectKey, range: Option<Range<u64>>) -> Result<ObjectRead, Error> {
        self.below().read(key, range).await
    }

    /// See [`Objects::head`].
    async fn head(&self, key: &ObjectKey) -> Result<Option<ObjectInfo>, Error> {
        self.below().head(key).await
    }

    /// See [`Objects::list`].
    async fn list(&self, prefix: &Prefix) -> Result<Listing, Error> {
        self.below().list(prefix).await
    }

    /// See [`Objects::delete`].
    async fn delete(&self, keys: &[ObjectKey]) -> Result<(), Error> {
        self.below().delete(keys).await
    }

    /// See [`Objects::sign_put`].
    async fn sign_put(
        &self,
        key: &ObjectKey,
        bytes: u64,
        within: Duration,
    ) -> Result<Option<SignedPut>, Error> {
        self.below().sign_put(key, bytes, within).await
    }

    /// See [`Objects::free_bytes`].
    async fn free_bytes(&self) -> Result<Option<u64>, Error> {
        self.below().free_bytes().await
    }
}

#[async_trait]
impl<L: Layer> Objects for L {
    async fn put(&self, key: &ObjectKey, body: Bytes) -> Result<(), Error> {
        Layer::put(self, key, body).await
    }

    async fn put_if_absent(&self, key: &ObjectKey, body: Bytes) -> Result<Created, Error> {
        Layer::put_if_absent(self, key, body).await
    }

    async fn read(&self, key: &ObjectKey, range: Option<Range<u64>>) -> Result<ObjectRead, Error> {
        Layer::read(self, key, range).await
    }

    async fn head(&self, key: &ObjectKey) -> Result<Option<ObjectInfo>, Error> {
        Layer::head(self, key).await
    }

    async fn checksum(&self, key: &ObjectKey) -> Result<Option<Checksum>, Error> {
        self.below().checksum(key).await
    }

    async fn list(&self, prefix: &Prefix) -> Result<Listing, Error> {
        Layer::list(self, prefix).await
    }

    async fn delete(&self, keys: &[ObjectKey]) -> Result<(), Error> {
        Layer::delete(self, keys).await
    }

    async fn sign_put(
        &self,
        key: &ObjectKey,
        bytes: u64,
        within: Duration,
    ) -> Result<Option<SignedPut>, Error> {
        Layer::sign_put(self, key, bytes, within).await
    }

    async fn free_bytes(&self) -> Result<Option<u64>, Error> {
        Layer::free_bytes(self).await
    }
}

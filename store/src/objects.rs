//! Objects: the interface of the object store, and functions on top of it.

pub mod disk_cache;
mod layer;

use std::ops::Range;
use std::time::Duration;

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt};

pub use layer::Layer;

use crate::{Error, ObjectKey, Prefix};

/// Body of an object as a stream of pieces.
pub type ByteStream = BoxStream<'static, Result<Bytes, Error>>;

/// Stream of keys and sizes, in no particular order.
pub type Listing = BoxStream<'static, Result<Listed, Error>>;

/// Storage of objects (blobs) by key. Implementations: files, S3.
///
/// `put` is atomic and durable: a reader sees the whole object or none, and an object whose `put` has returned
/// survives a power cut. `put_if_absent` never replaces an object; exactly one of several concurrent callers stores
/// its body, and the others learn that they did not. A write of one process is visible to all processes at once. A
/// reader of an object that is replaced or deleted gets the object that it opened, or an error. Bodies are passed as
/// a whole: a segment, or a source block of 8 MiB.
#[async_trait]
pub trait Objects: Send + Sync {
    /// Stores an object, and replaces an existing one.
    async fn put(&self, key: &ObjectKey, body: Bytes) -> Result<(), Error>;

    /// Stores an object unless one exists.
    async fn put_if_absent(&self, key: &ObjectKey, body: Bytes) -> Result<Created, Error>;

    /// Opens an object, or the part in `range`. A range is cut at the end of the object; a range that is empty, or
    /// that starts at or after the end, gives an empty body. `NotFound` if there is no such object.
    async fn read(&self, key: &ObjectKey, range: Option<Range<u64>>) -> Result<ObjectRead, Error>;

    /// Reads size, time and ETag of an object; `None` if there is no such object.
    async fn head(&self, key: &ObjectKey) -> Result<Option<ObjectInfo>, Error>;

    /// Checksum of a whole object. The store's own checksum, which it compared with the bytes when they were stored,
    /// is used if there is one; otherwise the object is read. `None` if there is no such object.
    async fn checksum(&self, key: &ObjectKey) -> Result<Option<Checksum>, Error> {
        Checksum::of_read(self.read(key, None).await).await
    }

    /// Lists all objects of a prefix. An object that is stored or deleted in the meantime may be listed or not.
    async fn list(&self, prefix: &Prefix) -> Result<Listing, Error>;

    /// Removes objects. Missing objects are not an error.
    async fn delete(&self, keys: &[ObjectKey]) -> Result<(), Error>;

    /// Signs a request with which a client without our keys can store an object of exactly `bytes` bytes, once and
    /// within a time. `None` if clients cannot reach the store.
    async fn sign_put(
        &self,
        _key: &ObjectKey,
        _bytes: u64,
        _within: Duration,
    ) -> Result<Option<SignedPut>, Error> {
        Ok(None)
    }

    /// Number of bytes that can still be stored; `None` if it is unknown.
    async fn free_bytes(&self) -> Result<Option<u64>, Error>;
}

/// Result of `put_if_absent`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Created {
    /// The body was stored.
    Yes,
    /// An object exists already, and is unchanged.
    No,
}

/// Signed request that needs no other authorization. It works once, since it does not replace an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedPut {
    /// URL of the request.
    pub url: String,
    /// Headers that are signed too, without `host` and `content-length`, which clients set themselves.
    pub headers: Vec<(String, String)>,
}

/// Properties of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectInfo {
    /// Size in bytes.
    pub size: u64,
    /// Time at which the object was stored, in microseconds since 1970 UTC.
    pub modified_us: i64,
    /// ETag without quotes, which changes when the bytes change; `None` if the store has none.
    pub etag: Option<String>,
}

/// Open object.
pub struct ObjectRead {
    /// Properties of the whole object.
    pub info: ObjectInfo,
    /// Range of the object's bytes that the body has; within `0..info.size`.
    pub range: Range<u64>,
    /// Stream of the bytes of `range`.
    pub body: ByteStream,
}

impl ObjectRead {
    /// Reads the body as a whole. Fails if it ends early.
    pub async fn bytes(self) -> Result<Bytes, Error> {
        let expected = self.range.end - self.range.start;
        let mut body = self.body;
        let first = body.try_next().await?.unwrap_or_default();
        let whole = match body.try_next().await? {
            // A segment is usually a single piece, which is not copied.
            None => first,
            Some(second) => {
                let mut whole = BytesMut::from(first);
                whole.extend_from_slice(&second);
                while let Some(piece) = body.try_next().await? {
                    whole.extend_from_slice(&piece);
                }
                whole.freeze()
            }
        };
        if whole.len() as u64 == expected {
            Ok(whole)
        } else {
            Err(Error::corrupt(format!(
                "body has {} of {expected} bytes",
                whole.len()
            )))
        }
    }
}

/// CRC-32 as S3 computes it (that of ISO 3309). It detects damage, but not manipulation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Checksum(pub(crate) u32);

impl Checksum {
    /// Computes the checksum of a whole object.
    pub fn of(bytes: &[u8]) -> Self {
        Self(crc32fast::hash(bytes))
    }

    /// Computes the checksum of an object while it is read; `None` if there is no such object.
    pub(crate) async fn of_read(read: Result<ObjectRead, Error>) -> Result<Option<Self>, Error> {
        let mut body = match read {
            Ok(read) => read.body,
            Err(Error::NotFound) => return Ok(None),
            Err(other) => return Err(other),
        };
        let mut hasher = crc32fast::Hasher::new();
        while let Some(piece) = body.try_next().await? {
            hasher.update(&piece);
        }
        Ok(Some(Self(hasher.finalize())))
    }
}

/// Entry of a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Key of the object.
    pub key: ObjectKey,
    /// Size of the object in bytes.
    pub size: u64,
}

/// Reads a whole object. `NotFound` if there is none.
pub async fn get(objects: &dyn Objects, key: &ObjectKey) -> Result<Bytes, Error> {
    objects.read(key, None).await?.bytes().await
}

/// Largest number of objects that S3 deletes with one request.
const DELETE_BATCH: usize = 1000;

/// Removes all objects of a prefix and returns their number. Objects that are stored in the meantime may stay, so
/// deletion of a video sweeps more than once.
pub async fn delete_prefix(objects: &dyn Objects, prefix: &Prefix) -> Result<u64, Error> {
    let mut batches = objects.list(prefix).await?.try_chunks(DELETE_BATCH);
    let mut deleted = 0;
    while let Some(batch) = batches.next().await {
        let keys: Vec<_> = batch
            .map_err(|e| e.1)?
            .into_iter()
            .map(|listed| listed.key)
            .collect();
        objects.delete(&keys).await?;
        deleted += keys.len() as u64;
    }
    Ok(deleted)
}

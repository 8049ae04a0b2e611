//! Blobs by key: the seam, and conveniences on top of it.

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

/// A body in pieces.
pub type ByteStream = BoxStream<'static, Result<Bytes, Error>>;

/// Keys and sizes, in no order.
pub type Listing = BoxStream<'static, Result<Listed, Error>>;

/// Blobs by key. Implementations: files, S3.
///
/// `put` is atomic and durable: a reader sees the whole object or none, and what
/// returned is there after a power cut. `put_if_absent` never replaces; of any number
/// of racers one stores, the others learn that they lost. What one process wrote,
/// every process reads at once. Who reads what is replaced or deleted meanwhile has what it
/// opened, or an error. Bodies are whole: a segment or a source block of 8 MiB.
#[async_trait]
pub trait Objects: Send + Sync {
    /// Stores an object, in place of one that is there.
    async fn put(&self, key: &ObjectKey, body: Bytes) -> Result<(), Error>;

    /// Stores an object unless there is one.
    async fn put_if_absent(&self, key: &ObjectKey, body: Bytes) -> Result<Created, Error>;

    /// Opens an object, or the part of it in `range`. A range is cut at the object's
    /// end; one that starts there or after it, or that is empty, has an empty body.
    /// `NotFound` if there is no such object.
    async fn read(&self, key: &ObjectKey, range: Option<Range<u64>>) -> Result<ObjectRead, Error>;

    /// What is known of an object without its bytes; `None` if there is no such object.
    async fn head(&self, key: &ObjectKey) -> Result<Option<ObjectInfo>, Error>;

    /// The checksum of a whole object: the one that the store keeps, which it has compared with
    /// the bytes when they were put, or else of the bytes as they are read now. `None` if there
    /// is no such object.
    async fn checksum(&self, key: &ObjectKey) -> Result<Option<Checksum>, Error> {
        Checksum::of_read(self.read(key, None).await).await
    }

    /// All objects of a prefix. One that comes or goes meanwhile may be in it or not.
    async fn list(&self, prefix: &Prefix) -> Result<Listing, Error>;

    /// Removes objects; those that are not there are no error.
    async fn delete(&self, keys: &[ObjectKey]) -> Result<(), Error>;

    /// The request by which somebody without our keys puts an object of exactly `bytes` bytes,
    /// once, within a time; nothing where senders cannot reach the store.
    async fn sign_put(
        &self,
        _key: &ObjectKey,
        _bytes: u64,
        _within: Duration,
    ) -> Result<Option<SignedPut>, Error> {
        Ok(None)
    }

    /// How many bytes can still be stored; `None` where nobody knows.
    async fn free_bytes(&self) -> Result<Option<u64>, Error>;
}

/// Whether `put_if_absent` stored its body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Created {
    /// It did.
    Yes,
    /// An object was there already, and stays.
    No,
}

/// A request that needs no further access, and works once: what is there is not replaced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedPut {
    /// To where.
    pub url: String,
    /// Headers that are signed too, `host` and `content-length` aside, which clients set themselves.
    pub headers: Vec<(String, String)>,
}

/// What is known of an object without its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectInfo {
    /// In bytes.
    pub size: u64,
    /// When it was stored, in microseconds since 1970 UTC.
    pub modified_us: i64,
    /// Changes when the bytes change, without quotes; `None` where the store has none.
    pub etag: Option<String>,
}

/// An open object.
pub struct ObjectRead {
    /// Of the whole object.
    pub info: ObjectInfo,
    /// What of it the body holds; within `0..info.size`.
    pub range: Range<u64>,
    /// The bytes of `range`.
    pub body: ByteStream,
}

impl ObjectRead {
    /// The body in one piece; fails if it ends early.
    pub async fn bytes(self) -> Result<Bytes, Error> {
        let expected = self.range.end - self.range.start;
        let mut body = self.body;
        let first = body.try_next().await?.unwrap_or_default();
        let whole = match body.try_next().await? {
            // The usual case: a segment is one piece, and is not copied.
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

/// CRC-32 as S3 has it (that of ISO 3309): tells damage, not malice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Checksum(pub(crate) u32);

impl Checksum {
    /// Of a whole object's bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self(crc32fast::hash(bytes))
    }

    /// Of what is read, if there is such an object.
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

/// One line of a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Which object.
    pub key: ObjectKey,
    /// In bytes.
    pub size: u64,
}

/// A whole object. `NotFound` if there is none.
pub async fn get(objects: &dyn Objects, key: &ObjectKey) -> Result<Bytes, Error> {
    objects.read(key, None).await?.bytes().await
}

/// S3's bound on one batch of deletions.
const DELETE_BATCH: usize = 1000;

/// Removes all objects of a prefix; says how many. What is put meanwhile may stay:
/// deletion sweeps more than once.
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

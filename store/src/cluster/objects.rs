//! Objects in an S3 bucket: AWS and compatible stores.
//!
//! The SDK owns every retry; no code above retries. No object is larger than a source block or a segment at the
//! highest cap, so no object is stored in parts.

mod client;
mod failure;
mod guarded;
mod rowed;

use std::ops::Range;
use std::time::Duration;

use async_trait::async_trait;
use aws_sdk_s3::Client;
use aws_sdk_s3::operation::get_object::GetObjectOutput;
use aws_sdk_s3::operation::put_object::builders::PutObjectFluentBuilder;
use aws_sdk_s3::presigning::PresigningConfig;
use aws_sdk_s3::primitives::{ByteStream as Body, DateTime};
use aws_sdk_s3::types::{
    ChecksumAlgorithm, ChecksumMode, Delete, MetadataDirective, ObjectIdentifier,
};
use base64::prelude::{BASE64_STANDARD, Engine};
use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};

pub use client::{Access, OpenError, S3};
pub use guarded::GuardedObjects;
pub use rowed::RowedObjects;

use self::failure::{error, is_lost, is_missing, is_out_of_range};
use crate::objects::{Listing, SignedPut};
use crate::{Checksum, Created, Error, Listed, ObjectInfo, ObjectKey, ObjectRead, Objects, Prefix};

/// Largest number of objects that one request deletes (a limit of S3).
const DELETED_AT_ONCE: usize = 1000;

/// Signed headers that a web page cannot set, and that every client sets by itself.
const SET_BY_CLIENTS: [&str; 2] = ["host", "content-length"];

/// Put request with its timeouts.
struct Putting {
    put: PutObjectFluentBuilder,
    timeouts: aws_sdk_s3::config::Builder,
}

/// Objects in an S3 bucket.
pub struct S3Objects {
    client: Client,
    /// Client of the endpoint that uploaders reach, for signed requests.
    outside: Option<Client>,
    bucket: String,
    keeps: bool,
}

impl S3Objects {
    /// Opens an existing bucket, and tests that the store supports what is needed.
    ///
    /// # Errors
    /// If the bucket cannot be used.
    pub async fn open(settings: &S3) -> Result<Self, OpenError> {
        let outside = match &settings.public_endpoint {
            Some(endpoint) => Some(client::connect_to(settings, endpoint).await),
            None => None,
        };
        let client = client::connect(settings).await;
        Ok(Self {
            keeps: client::keeps(&client, settings).await?,
            client,
            outside,
            bucket: settings.bucket.clone(),
        })
    }

    /// Whether the store can refuse to replace an object. If not, only [`RowedObjects`] may call `put_if_absent`.
    pub const fn keeps(&self) -> bool {
        self.keeps
    }

    /// Copies an object to another key, and replaces an existing object there.
    async fn copy(&self, from: &ObjectKey, to: &ObjectKey) -> Result<(), Error> {
        let source = format!("{}/{}", self.bucket, Self::path(from)?);
        let copy = self.client.copy_object().bucket(&self.bucket);
        let copy = copy.key(Self::path(to)?).copy_source(source);
        let copy = copy.metadata_directive(MetadataDirective::Replace);
        let copied = copy.content_type(to.content_type()).send().await;
        copied.map(drop).map_err(error)
    }

    fn path(key: &ObjectKey) -> Result<String, Error> {
        key.is_safe()
            .then(|| key.path())
            .ok_or_else(|| Error::corrupt(format!("{key:?} is not a safe key")))
    }

    /// Creates a put request with a checksum, which the store compares and keeps.
    fn putting(&self, key: &ObjectKey, body: Bytes) -> Result<Putting, Error> {
        let put = self.client.put_object().bucket(&self.bucket);
        let put = put.key(Self::path(key)?).content_type(key.content_type());
        let put = put.checksum_algorithm(ChecksumAlgorithm::Crc32);
        Ok(Putting {
            timeouts: client::sending(body.len()),
            put: put.body(Body::from(body)),
        })
    }

    /// Opens an object for an empty range.
    async fn nothing_of(&self, key: &ObjectKey, start: u64) -> Result<ObjectRead, Error> {
        let info = self.head(key).await?.ok_or(Error::NotFound)?;
        let at = start.min(info.size);
        Ok(ObjectRead {
            info,
            range: at..at,
            body: stream::empty().boxed(),
        })
    }
}

#[async_trait]
impl Objects for S3Objects {
    async fn put(&self, key: &ObjectKey, body: Bytes) -> Result<(), Error> {
        let Putting { put, timeouts } = self.putting(key, body)?;
        let put = put.customize().config_override(timeouts).send().await;
        put.map(drop).map_err(error)
    }

    async fn put_if_absent(&self, key: &ObjectKey, body: Bytes) -> Result<Created, Error> {
        let Putting { put, timeouts } = self.putting(key, body)?;
        let put = put.if_none_match("*").customize();
        match put.config_override(timeouts).send().await {
            Ok(_) => Ok(Created::Yes),
            // The object exists: another process stored it, or an attempt of this request whose answer was lost.
            // Callers read back what is stored.
            Err(refused) if is_lost(&refused) => Ok(Created::No),
            Err(failed) => Err(error(failed)),
        }
    }

    async fn read(&self, key: &ObjectKey, range: Option<Range<u64>>) -> Result<ObjectRead, Error> {
        let get = self.client.get_object().bucket(&self.bucket);
        let mut get = get.key(Self::path(key)?);
        if let Some(range) = &range {
            if range.is_empty() {
                return self.nothing_of(key, range.start).await;
            }
            get = get.range(format!("bytes={}-{}", range.start, range.end - 1));
        }
        let get = get.customize().config_override(client::sending(0));
        match get.send().await {
            Ok(found) => opened(found),
            Err(refused) if is_out_of_range(&refused) => {
                let start = range.map_or(0, |range| range.start);
                self.nothing_of(key, start).await
            }
            Err(failed) => Err(error(failed)),
        }
    }

    async fn head(&self, key: &ObjectKey) -> Result<Option<ObjectInfo>, Error> {
        let head = self.client.head_object().bucket(&self.bucket);
        let head = head.key(Self::path(key)?).customize();
        match head.config_override(client::sending(0)).send().await {
            Ok(found) => Ok(Some(ObjectInfo {
                size: size(found.content_length)?,
                modified_us: microseconds(found.last_modified),
                etag: found.e_tag.map(|etag| unquoted(&etag)),
            })),
            Err(refused) if is_missing(&refused) => Ok(None),
            Err(failed) => Err(error(failed)),
        }
    }

    async fn checksum(&self, key: &ObjectKey) -> Result<Option<Checksum>, Error> {
        let head = self.client.head_object().bucket(&self.bucket);
        let head = head.key(Self::path(key)?);
        match head.checksum_mode(ChecksumMode::Enabled).send().await {
            Ok(found) => match found.checksum_crc32().and_then(kept) {
                Some(kept) => Ok(Some(kept)),
                // The store keeps no checksum, or another program stored the object.
                None => Checksum::of_read(self.read(key, None).await).await,
            },
            Err(refused) if is_missing(&refused) => Ok(None),
            Err(failed) => Err(error(failed)),
        }
    }

    async fn list(&self, prefix: &Prefix) -> Result<Listing, Error> {
        let list = self.client.list_objects_v2().bucket(&self.bucket);
        let pages = list.prefix(prefix.path()).into_paginator().send();
        let prefix = *prefix;
        let pages = stream::try_unfold(pages, |mut pages| async move {
            let page = pages.next().await.transpose().map_err(error)?;
            Ok::<_, Error>(page.map(|page| (page, pages)))
        });
        let lines = pages.map_ok(move |page| {
            let found = page.contents.unwrap_or_default().into_iter();
            let lines = found.filter_map(move |object| {
                let key = ObjectKey::parse(object.key()?)?;
                let line = size(object.size).map(|size| Listed { key, size });
                // Objects of other programs in the bucket are not listed.
                let is_ours = line
                    .as_ref()
                    .map_or(true, |line| prefix.contains(&line.key));
                is_ours.then_some(line)
            });
            stream::iter(lines.collect::<Vec<_>>())
        });
        Ok(lines.try_flatten().boxed())
    }

    async fn delete(&self, keys: &[ObjectKey]) -> Result<(), Error> {
        for batch in keys.chunks(DELETED_AT_ONCE) {
            let mut delete = Delete::builder().quiet(true);
            for key in batch {
                let object = ObjectIdentifier::builder().key(Self::path(key)?);
                delete = delete.objects(object.build().map_err(Error::unavailable)?);
            }
            let delete = delete.build().map_err(Error::unavailable)?;
            let request = self.client.delete_objects().bucket(&self.bucket);
            let done = request.delete(delete).send().await.map_err(error)?;
            if let Some(kept) = done.errors().first() {
                let what = format!(
                    "the object {:?} cannot be deleted: {:?}",
                    kept.key(),
                    kept.message()
                );
                return Err(Error::unavailable(what));
            }
        }
        Ok(())
    }

    async fn sign_put(
        &self,
        key: &ObjectKey,
        bytes: u64,
        within: Duration,
    ) -> Result<Option<SignedPut>, Error> {
        let Some(client) = self.outside.as_ref().filter(|_| self.keeps) else {
            return Ok(None);
        };
        let within = PresigningConfig::expires_in(within).map_err(Error::unavailable)?;
        let put = client.put_object().bucket(&self.bucket);
        let put = put.key(Self::path(key)?).content_type(key.content_type());
        let put = put.content_length(i64::try_from(bytes).map_err(Error::unavailable)?);
        let signed = put.if_none_match("*").presigned(within).await;
        let signed = signed.map_err(error)?;
        let headers = signed.headers();
        let headers = headers.filter(|(name, _)| !SET_BY_CLIENTS.contains(name));
        Ok(Some(SignedPut {
            url: signed.uri().to_owned(),
            headers: headers
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect(),
        }))
    }

    async fn free_bytes(&self) -> Result<Option<u64>, Error> {
        Ok(None)
    }
}

/// Converts an answer of the store to an open object.
fn opened(found: GetObjectOutput) -> Result<ObjectRead, Error> {
    let length = size(found.content_length)?;
    let (start, size) = match found.content_range() {
        Some(text) => content_range(text)
            .ok_or_else(|| Error::corrupt(format!("{text:?} is not a valid Content-Range")))?,
        None => (0, length),
    };
    let info = ObjectInfo {
        size,
        modified_us: microseconds(found.last_modified),
        etag: found.e_tag.as_deref().map(unquoted),
    };
    let body = stream::try_unfold(found.body, |mut body| async move {
        let piece = body.try_next().await.map_err(Error::unavailable)?;
        Ok(piece.map(|piece| (piece, body)))
    });
    Ok(ObjectRead {
        info,
        range: start..start + length,
        body: body.boxed(),
    })
}

/// First byte and total size from a `Content-Range` such as `bytes 3-4/10` (RFC 9110 §14.4).
fn content_range(text: &str) -> Option<(u64, u64)> {
    let (range, size) = text.strip_prefix("bytes ")?.split_once('/')?;
    let (start, _) = range.split_once('-')?;
    Some((start.parse().ok()?, size.parse().ok()?))
}

fn size(bytes: Option<i64>) -> Result<u64, Error> {
    let size = bytes.and_then(|bytes| u64::try_from(bytes).ok());
    size.ok_or_else(|| Error::corrupt("the store gave no size for an object"))
}

/// Parses a checksum in S3's spelling. The checksum of an object in parts has another spelling and is not that of its
/// bytes, so it is ignored.
fn kept(text: &str) -> Option<Checksum> {
    let bytes = BASE64_STANDARD.decode(text).ok()?.try_into().ok()?;
    Some(Checksum(u32::from_be_bytes(bytes)))
}

fn microseconds(time: Option<DateTime>) -> i64 {
    let nanoseconds = time.map_or(0, |time| time.as_nanos());
    i64::try_from(nanoseconds / 1000).unwrap_or(i64::MAX)
}

fn unquoted(etag: &str) -> String {
    etag.trim_matches('"').to_owned()
}

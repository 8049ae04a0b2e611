//! Record of which bytes were published under each key, for object stores that cannot refuse to replace an object.

use futures::{FutureExt, StreamExt, TryStreamExt, stream};

use super::CqlMetadata;
use super::database::Say;
use super::value::number;
use crate::Error;

/// Number of rows that are deleted concurrently.
const CONCURRENT_DELETES: usize = 16;

const INSERT: Say =
    Say::change("INSERT INTO published (key, hash, size) VALUES (?, ?, ?) IF NOT EXISTS");
const SETTLED: Say = Say::settle("SELECT hash FROM published WHERE key = ?");
const DELETE: Say = Say::change("DELETE FROM published WHERE key = ? IF EXISTS");

impl CqlMetadata {
    /// Records what is published under a key unless something is. Returns the hash of the published bytes, and
    /// whether this call published them.
    pub(crate) async fn publish(
        &self,
        key: &str,
        hash: &str,
        size: u64,
    ) -> Result<(String, bool), Error> {
        let size: i64 = number(size)?;
        // After a lost answer the bytes count as published by somebody else, as they do when the object store itself
        // decides.
        let is_done = || async { Ok(false) }.boxed();
        let insert = (key, hash, size);
        if self.database.change_surely(INSERT, insert, is_done).await? {
            return Ok((hash.to_owned(), true));
        }
        let row = self.database.row::<(String,)>(SETTLED, (key,)).await?;
        // The record was withdrawn at this moment.
        let (hash,) = row.ok_or(Error::NotFound)?;
        Ok((hash, false))
    }

    /// Removes the records of these keys, under which nothing is published any more.
    pub(crate) async fn withdraw(&self, keys: Vec<String>) -> Result<(), Error> {
        let forget = |key| async move { self.database.change(DELETE, (key,)).await.map(drop) };
        stream::iter(keys)
            .map(forget)
            .buffer_unordered(CONCURRENT_DELETES)
            .try_collect()
            .await
    }
}

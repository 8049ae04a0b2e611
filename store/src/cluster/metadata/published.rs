//! Which bytes were published under a key, for stores of objects that cannot keep to the first.

use futures::{FutureExt, StreamExt, TryStreamExt, stream};

use super::CqlMetadata;
use super::database::Say;
use super::value::number;
use crate::Error;

/// Rows that are forgotten at once.
const ROWS: usize = 16;

const INSERT: Say =
    Say::change("INSERT INTO published (key, hash, size) VALUES (?, ?, ?) IF NOT EXISTS");
const SETTLED: Say = Say::settle("SELECT hash FROM published WHERE key = ?");
const DELETE: Say = Say::change("DELETE FROM published WHERE key = ? IF EXISTS");

impl CqlMetadata {
    /// The hash of what is published under a key, and whether that is by this call.
    pub(crate) async fn publish(
        &self,
        key: &str,
        hash: &str,
        size: u64,
    ) -> Result<(String, bool), Error> {
        let size: i64 = number(size)?;
        // An answer that was lost counts as another's, as it does where the object store decides.
        let is_done = || async { Ok(false) }.boxed();
        let insert = (key, hash, size);
        if self.database.change_surely(INSERT, insert, is_done).await? {
            return Ok((hash.to_owned(), true));
        }
        let row = self.database.row::<(String,)>(SETTLED, (key,)).await?;
        // It was withdrawn just now.
        let (hash,) = row.ok_or(Error::NotFound)?;
        Ok((hash, false))
    }

    /// Keys under which nothing is published any more.
    pub(crate) async fn withdraw(&self, keys: Vec<String>) -> Result<(), Error> {
        let forget = |key| async move { self.database.change(DELETE, (key,)).await.map(drop) };
        stream::iter(keys)
            .map(forget)
            .buffer_unordered(ROWS)
            .try_collect()
            .await
    }
}

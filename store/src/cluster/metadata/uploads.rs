//! Uploads in CQL.

use async_trait::async_trait;
use futures::{FutureExt, StreamExt, TryStreamExt, future, stream};
use plan::{UploadId, VideoId};
use scylla::{DeserializeRow, SerializeRow};

use super::CqlMetadata;
use super::database::{Database, Say};
use super::value::{number, parsed};
use crate::Error;
use crate::metadata::{UploadRow, Uploads};

/// Number of partitions over which the open uploads are spread.
const BUCKETS: u8 = 16;
/// Number of rows that are read concurrently.
const CONCURRENT_READS: usize = 16;

const INSERT: Say = Say::change(
    "INSERT INTO uploads (id, video, owner, durable_bytes, declared_size, complete,
       given_up, created_at_us, updated_at_us)
     VALUES (:id, :video, :owner, :durable_bytes, :declared_size, :complete, :given_up,
       :created_at_us, :updated_at_us) IF NOT EXISTS",
);
const GET: Say = Say::read(
    "SELECT id, video, owner, durable_bytes, declared_size, complete, given_up, created_at_us,
       updated_at_us FROM uploads WHERE id = ?",
);
const SETTLED: Say = Say::settle(
    "SELECT id, video, owner, durable_bytes, declared_size, complete, given_up, created_at_us,
       updated_at_us FROM uploads WHERE id = ?",
);
const ADVANCE: Say = Say::change(
    "UPDATE uploads SET durable_bytes = :offset, updated_at_us = :at_us
     WHERE id = :id IF durable_bytes < :offset_before AND given_up = false",
);
const TOUCH: Say =
    Say::change("UPDATE uploads SET updated_at_us = ? WHERE id = ? IF given_up = false");
const GIVE_UP: Say = Say::change(
    "UPDATE uploads SET given_up = true WHERE id = ? IF updated_at_us = ? AND complete = false",
);
const COMPLETE: Say = Say::change(
    "UPDATE uploads SET complete = true, updated_at_us = ? WHERE id = ? IF complete = false",
);
const DELETE: Say = Say::change("DELETE FROM uploads WHERE id = ? IF EXISTS");
const ADD_TO_VIDEO: Say = Say::write("INSERT INTO uploads_by_video (video, id) VALUES (?, ?)");
const OF_VIDEO: Say = Say::read("SELECT id FROM uploads_by_video WHERE video = ?");
const REMOVE_FROM_VIDEO: Say =
    Say::write("DELETE FROM uploads_by_video WHERE video = ? AND id = ?");
const OPEN: Say = Say::write("INSERT INTO open_uploads (bucket, id) VALUES (?, ?)");
const ALL_OPEN: Say = Say::read("SELECT id FROM open_uploads WHERE bucket = ?");
const CLOSE: Say = Say::write("DELETE FROM open_uploads WHERE bucket = ? AND id = ?");

#[async_trait]
impl Uploads for CqlMetadata {
    async fn insert(&self, row: &UploadRow) -> Result<(), Error> {
        let (database, id) = (&self.database, row.id.to_string());
        // References to a row are written before the row.
        let of_video = (row.video.to_string(), &id);
        database.write(ADD_TO_VIDEO, of_video).await?;
        if !row.complete {
            database.write(OPEN, (bucket(&row.id), &id)).await?;
        }
        let columns = Columns::of(row)?;
        // Ids are never used twice, so an equal row is the one of this insert.
        let is_done = || async { Ok(settled(database, &id).await?.as_ref() == Some(row)) }.boxed();
        match database.change_surely(INSERT, &columns, is_done).await? {
            true => Ok(()),
            false => Err(Error::Conflict),
        }
    }

    async fn get(&self, id: &UploadId) -> Result<Option<UploadRow>, Error> {
        get(&self.database, &id.to_string()).await
    }

    async fn advance(&self, id: &UploadId, offset: u64, at_us: i64) -> Result<UploadRow, Error> {
        let id = id.to_string();
        let offset: i64 = number(offset)?;
        let advance = (offset, at_us, &id, offset);
        taken(self.change_row(ADVANCE, &id, advance).await?)
    }

    async fn touch(&self, id: &UploadId, at_us: i64) -> Result<(), Error> {
        let text = id.to_string();
        let touch = (at_us, &text);
        taken(self.change_row(TOUCH, &text, touch).await?).map(drop)
    }

    async fn give_up(&self, row: &UploadRow) -> Result<bool, Error> {
        let id = row.id.to_string();
        let given_up = self.change_row(GIVE_UP, &id, (&id, row.updated_at_us));
        match given_up.await {
            Ok(row) => Ok(row.given_up && !row.complete),
            Err(Error::NotFound) => Ok(false),
            Err(error) => Err(error),
        }
    }

    async fn complete(&self, id: &UploadId, at_us: i64) -> Result<UploadRow, Error> {
        let text = id.to_string();
        let row = self.change_row(COMPLETE, &text, (at_us, &text)).await?;
        self.database.write(CLOSE, (bucket(id), &text)).await?;
        Ok(row)
    }

    async fn list_by_video(&self, video: &VideoId) -> Result<Vec<UploadRow>, Error> {
        let ids = self.database.rows(OF_VIDEO, (video.to_string(),)).await?;
        rows(&self.database, ids).await
    }

    async fn list_stale(&self, before_us: i64, limit: u32) -> Result<Vec<UploadRow>, Error> {
        let mut stale = Vec::new();
        for bucket in 0..BUCKETS as i8 {
            let open = self.database.rows(ALL_OPEN, (bucket,)).await?;
            for row in rows(&self.database, open).await? {
                if row.complete {
                    // The process that completed the upload was killed before it removed this entry.
                    let closed = (bucket, row.id.to_string());
                    self.database.write(CLOSE, closed).await?;
                } else if row.updated_at_us < before_us {
                    stale.push(row);
                }
            }
        }
        stale.sort_by_key(|row| row.updated_at_us);
        stale.truncate(limit as usize);
        Ok(stale)
    }

    async fn remove(&self, id: &UploadId) -> Result<(), Error> {
        let Some(row) = Uploads::get(self, id).await? else {
            return Ok(());
        };
        let (database, text) = (&self.database, id.to_string());
        database.change(DELETE, (&text,)).await?;
        database.write(CLOSE, (bucket(id), &text)).await?;
        let of_video = (row.video.to_string(), &text);
        database.write(REMOVE_FROM_VIDEO, of_video).await
    }
}

impl CqlMetadata {
    /// Sends a conditional write that changes nothing the second time, so that it may be sent again.
    async fn change_row(
        &self,
        change: Say,
        id: &str,
        values: impl scylla::serialize::row::SerializeRow,
    ) -> Result<UploadRow, Error> {
        let database = &self.database;
        database
            .change_surely(change, values, || future::ready(Ok(false)).boxed())
            .await?;
        settled(database, id).await?.ok_or(Error::NotFound)
    }
}

/// Returns the row if the upload still accepts bytes.
fn taken(row: UploadRow) -> Result<UploadRow, Error> {
    match row.given_up {
        true => Err(Error::NotFound),
        false => Ok(row),
    }
}

fn bucket(id: &UploadId) -> i8 {
    // The last byte of an id is random.
    let [.., last] = id.uuid().into_bytes();
    (last % BUCKETS) as i8
}

async fn get(database: &Database, id: &str) -> Result<Option<UploadRow>, Error> {
    let columns = database.row::<Columns>(GET, (id,)).await?;
    columns.map(Columns::into_row).transpose()
}

async fn settled(database: &Database, id: &str) -> Result<Option<UploadRow>, Error> {
    let columns = database.row::<Columns>(SETTLED, (id,)).await?;
    columns.map(Columns::into_row).transpose()
}

async fn rows(database: &Database, ids: Vec<(String,)>) -> Result<Vec<UploadRow>, Error> {
    let found = stream::iter(ids).map(async |(id,)| get(database, &id).await);
    let found: Vec<_> = found.buffered(CONCURRENT_READS).try_collect().await?;
    Ok(found.into_iter().flatten().collect())
}

#[derive(SerializeRow, DeserializeRow)]
struct Columns {
    id: String,
    video: String,
    owner: String,
    durable_bytes: i64,
    declared_size: Option<i64>,
    complete: bool,
    /// `None` in rows that were written before the column existed.
    given_up: Option<bool>,
    created_at_us: i64,
    updated_at_us: i64,
}

impl Columns {
    fn of(row: &UploadRow) -> Result<Self, Error> {
        Ok(Self {
            id: row.id.to_string(),
            video: row.video.to_string(),
            owner: row.owner.to_string(),
            durable_bytes: number(row.offset)?,
            declared_size: row.declared_size.map(number).transpose()?,
            complete: row.complete,
            given_up: Some(row.given_up),
            created_at_us: row.created_at_us,
            updated_at_us: row.updated_at_us,
        })
    }

    fn into_row(self) -> Result<UploadRow, Error> {
        Ok(UploadRow {
            id: parsed(&self.id)?,
            video: parsed(&self.video)?,
            owner: parsed(&self.owner)?,
            offset: number(self.durable_bytes)?,
            declared_size: self.declared_size.map(number).transpose()?,
            complete: self.complete,
            given_up: self.given_up.unwrap_or_default(),
            created_at_us: self.created_at_us,
            updated_at_us: self.updated_at_us,
        })
    }
}

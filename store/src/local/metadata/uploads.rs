//! Uploads in SQLite.

use async_trait::async_trait;
use plan::{UploadId, VideoId};
use rusqlite::{OptionalExtension, Row, params};

use super::SqliteMetadata;
use super::value::Text;
use crate::Error;
use crate::metadata::{UploadRow, Uploads};

#[async_trait]
impl Uploads for SqliteMetadata {
    async fn insert(&self, row: &UploadRow) -> Result<(), Error> {
        let row = row.clone();
        self.database
            .write(move |sql| {
                let mut insert = sql.prepare_cached(
                    "INSERT INTO uploads (id, video, owner, durable_bytes, declared_size, complete,
                       created_at_us, updated_at_us, given_up)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
                )?;
                insert.execute(params![
                    Text(row.id),
                    Text(row.video),
                    Text(row.owner),
                    row.offset,
                    row.declared_size,
                    row.complete,
                    row.created_at_us,
                    row.updated_at_us,
                    row.given_up,
                ])?;
                Ok(())
            })
            .await
    }

    async fn get(&self, id: &UploadId) -> Result<Option<UploadRow>, Error> {
        let id = *id;
        self.database
            .read(move |sql| {
                let mut query = sql.prepare_cached("SELECT * FROM uploads WHERE id = ?1")?;
                Ok(query.query_row([Text(id)], read).optional()?)
            })
            .await
    }

    async fn advance(&self, id: &UploadId, offset: u64, at_us: i64) -> Result<UploadRow, Error> {
        let id = *id;
        self.database
            .write(move |sql| {
                let mut update = sql.prepare_cached(
                    "UPDATE uploads SET
                       updated_at_us = CASE WHEN durable_bytes < ?2 THEN ?3 ELSE updated_at_us END,
                       durable_bytes = max(durable_bytes, ?2)
                     WHERE id = ?1 AND NOT given_up RETURNING *",
                )?;
                Ok(update.query_row(params![Text(id), offset, at_us], read)?)
            })
            .await
    }

    async fn touch(&self, id: &UploadId, at_us: i64) -> Result<(), Error> {
        let id = *id;
        let rows = self.database.write(move |sql| {
            let mut update = sql.prepare_cached(
                "UPDATE uploads SET updated_at_us = ?2 WHERE id = ?1 AND NOT given_up",
            )?;
            Ok(update.execute(params![Text(id), at_us])?)
        });
        match rows.await? {
            0 => Err(Error::NotFound),
            _ => Ok(()),
        }
    }

    async fn give_up(&self, row: &UploadRow) -> Result<bool, Error> {
        let (id, seen_us) = (row.id, row.updated_at_us);
        let rows = self.database.write(move |sql| {
            let mut update = sql.prepare_cached(
                "UPDATE uploads SET given_up = 1
                 WHERE id = ?1 AND NOT complete AND (given_up OR updated_at_us = ?2)",
            )?;
            Ok(update.execute(params![Text(id), seen_us])?)
        });
        Ok(rows.await? > 0)
    }

    async fn complete(&self, id: &UploadId, at_us: i64) -> Result<UploadRow, Error> {
        let id = *id;
        self.database
            .write(move |sql| {
                let mut update = sql.prepare_cached(
                    "UPDATE uploads SET
                       updated_at_us = CASE complete WHEN 0 THEN ?2 ELSE updated_at_us END,
                       complete = 1
                     WHERE id = ?1 RETURNING *",
                )?;
                Ok(update.query_row(params![Text(id), at_us], read)?)
            })
            .await
    }

    async fn list_by_video(&self, video: &VideoId) -> Result<Vec<UploadRow>, Error> {
        let video = *video;
        self.database
            .read(move |sql| {
                let mut query =
                    sql.prepare_cached("SELECT * FROM uploads WHERE video = ?1 ORDER BY id")?;
                let rows = query.query_map([Text(video)], read)?;
                Ok(rows.collect::<Result<_, _>>()?)
            })
            .await
    }

    async fn list_stale(&self, before_us: i64, limit: u32) -> Result<Vec<UploadRow>, Error> {
        self.database
            .read(move |sql| {
                let mut query = sql.prepare_cached(
                    "SELECT * FROM uploads WHERE complete = 0 AND updated_at_us < ?1
                     ORDER BY updated_at_us LIMIT ?2",
                )?;
                let rows = query.query_map(params![before_us, limit], read)?;
                Ok(rows.collect::<Result<_, _>>()?)
            })
            .await
    }

    async fn remove(&self, id: &UploadId) -> Result<(), Error> {
        let id = *id;
        self.database
            .write_surely(move |sql| {
                sql.prepare_cached("DELETE FROM uploads WHERE id = ?1")?
                    .execute([Text(id)])?;
                Ok(())
            })
            .await
    }
}

fn read(row: &Row<'_>) -> rusqlite::Result<UploadRow> {
    Ok(UploadRow {
        id: row.get::<_, Text<_>>("id")?.0,
        video: row.get::<_, Text<_>>("video")?.0,
        owner: row.get::<_, Text<_>>("owner")?.0,
        offset: row.get("durable_bytes")?,
        declared_size: row.get("declared_size")?,
        complete: row.get("complete")?,
        given_up: row.get("given_up")?,
        created_at_us: row.get("created_at_us")?,
        updated_at_us: row.get("updated_at_us")?,
    })
}

//! Failed tries and fillers of segments in SQLite.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use plan::{RenditionId, SegmentKey, VideoId};
use rusqlite::{OptionalExtension, Row, params};

use super::SqliteMetadata;
use super::value::Text;
use crate::Error;
use crate::metadata::{Tries, TryRow};

const RECORD_TRY: &str = "INSERT INTO tries VALUES (?1, ?2, ?3, 1, 0, 0)
    ON CONFLICT DO UPDATE SET counted = counted + 1, marked = 0
    RETURNING counted, unexplained, marked";

const MARK: &str = "INSERT INTO tries VALUES (?1, ?2, ?3, 0, 0, 1)
    ON CONFLICT DO UPDATE SET unexplained = unexplained + marked, marked = 1
    RETURNING counted, unexplained, marked";

#[async_trait]
impl Tries for SqliteMetadata {
    async fn get(&self, key: &SegmentKey) -> Result<TryRow, Error> {
        let key = *key;
        self.database
            .read(move |sql| {
                let mut query = sql.prepare_cached(
                    "SELECT counted, unexplained, marked FROM tries
                     WHERE video = ?1 AND rendition = ?2 AND segment = ?3",
                )?;
                let known = query.query_row(place(&key), read).optional()?;
                Ok(known.unwrap_or_default())
            })
            .await
    }

    async fn record_try(&self, key: &SegmentKey) -> Result<TryRow, Error> {
        self.upsert(RECORD_TRY, key).await
    }

    async fn mark(&self, key: &SegmentKey) -> Result<TryRow, Error> {
        self.upsert(MARK, key).await
    }

    async fn unmark(&self, key: &SegmentKey) -> Result<(), Error> {
        self.at_segment(
            "UPDATE tries SET marked = 0 WHERE video = ?1 AND rendition = ?2 AND segment = ?3",
            key,
        )
        .await
    }

    async fn list(&self, video: &VideoId) -> Result<BTreeMap<(RenditionId, u32), TryRow>, Error> {
        let video = *video;
        self.database
            .read(move |sql| {
                let mut query = sql.prepare_cached(
                    "SELECT counted, unexplained, marked, rendition, segment FROM tries
                     WHERE video = ?1 AND (counted > 0 OR unexplained > 0 OR marked)",
                )?;
                let rows = query.query_map([Text(video)], |row| {
                    let place = (row.get::<_, Text<_>>(3)?.0, row.get(4)?);
                    Ok((place, read(row)?))
                })?;
                Ok(rows.collect::<Result<_, _>>()?)
            })
            .await
    }

    async fn put(&self, key: &SegmentKey, row: TryRow) -> Result<(), Error> {
        let key = *key;
        self.database
            .write(move |sql| {
                let (video, rendition, segment) = place(&key);
                let (counted, unexplained) = (row.counted, row.unexplained);
                sql.prepare_cached("INSERT OR REPLACE INTO tries VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?
                    .execute(params![
                        video,
                        rendition,
                        segment,
                        counted,
                        unexplained,
                        row.marked
                    ])?;
                Ok(())
            })
            .await
    }

    async fn record_filler(&self, key: &SegmentKey) -> Result<(), Error> {
        self.at_segment(
            "INSERT INTO fillers VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
            key,
        )
        .await
    }

    async fn fillers(&self, video: &VideoId) -> Result<BTreeSet<(RenditionId, u32)>, Error> {
        let video = *video;
        self.database
            .read(move |sql| {
                let mut query =
                    sql.prepare_cached("SELECT rendition, segment FROM fillers WHERE video = ?1")?;
                let rows = query.query_map([Text(video)], |row| {
                    Ok((row.get::<_, Text<_>>(0)?.0, row.get(1)?))
                })?;
                Ok(rows.collect::<Result<_, _>>()?)
            })
            .await
    }

    async fn clear(&self, video: &VideoId) -> Result<(), Error> {
        let video = *video;
        self.database
            .write(move |sql| {
                sql.prepare_cached("DELETE FROM tries WHERE video = ?1")?
                    .execute([Text(video)])?;
                Ok(())
            })
            .await
    }

    async fn remove(&self, video: &VideoId) -> Result<(), Error> {
        let video = *video;
        self.database
            .write_surely(move |sql| {
                for table in ["tries", "fillers"] {
                    sql.prepare_cached(&format!("DELETE FROM {table} WHERE video = ?1"))?
                        .execute([Text(video)])?;
                }
                Ok(())
            })
            .await
    }
}

impl SqliteMetadata {
    async fn upsert(&self, statement: &'static str, key: &SegmentKey) -> Result<TryRow, Error> {
        let key = *key;
        self.database
            .write(move |sql| {
                Ok(sql
                    .prepare_cached(statement)?
                    .query_row(place(&key), read)?)
            })
            .await
    }

    async fn at_segment(&self, statement: &'static str, key: &SegmentKey) -> Result<(), Error> {
        let key = *key;
        self.database
            .write(move |sql| {
                Ok(sql
                    .prepare_cached(statement)?
                    .execute(place(&key))
                    .map(drop)?)
            })
            .await
    }
}

fn place(key: &SegmentKey) -> (Text<VideoId>, Text<RenditionId>, u32) {
    (Text(key.video), Text(key.rendition), key.index)
}

fn read(row: &Row<'_>) -> rusqlite::Result<TryRow> {
    Ok(TryRow {
        counted: row.get(0)?,
        unexplained: row.get(1)?,
        marked: row.get(2)?,
    })
}

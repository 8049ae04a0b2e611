//! View counts in SQLite.

use async_trait::async_trait;
use plan::VideoId;
use rusqlite::{OptionalExtension, params};

use super::SqliteMetadata;
use super::value::Text;
use crate::Error;
use crate::metadata::Views;

const ADD: &str = "INSERT INTO views VALUES (?1, ?2)
    ON CONFLICT DO UPDATE SET times = times + excluded.times
    RETURNING times";

#[async_trait]
impl Views for SqliteMetadata {
    async fn add(&self, video: &VideoId, views: u64) -> Result<u64, Error> {
        let video = *video;
        self.database
            .write(move |sql| {
                let mut add = sql.prepare_cached(ADD)?;
                Ok(add.query_row(params![Text(video), views], |row| row.get(0))?)
            })
            .await
    }

    async fn get(&self, video: &VideoId) -> Result<u64, Error> {
        let video = *video;
        self.database
            .read(move |sql| {
                let mut query = sql.prepare_cached("SELECT times FROM views WHERE video = ?1")?;
                let known = query.query_row([Text(video)], |row| row.get(0));
                Ok(known.optional()?.unwrap_or_default())
            })
            .await
    }

    async fn remove(&self, video: &VideoId) -> Result<(), Error> {
        let video = *video;
        self.database
            .write_surely(move |sql| {
                sql.prepare_cached("DELETE FROM views WHERE video = ?1")?
                    .execute([Text(video)])?;
                Ok(())
            })
            .await
    }
}

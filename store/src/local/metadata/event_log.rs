//! The event log in SQLite.

use async_trait::async_trait;
use rusqlite::params;

use super::SqliteMetadata;
use super::value::Json;
use crate::metadata::{EventLog, LoggedEvent};
use crate::{Error, Event};

#[async_trait]
impl EventLog for SqliteMetadata {
    async fn append(&self, event: &Event, at_us: i64) -> Result<u64, Error> {
        let event = event.clone();
        self.database
            .write(move |sql| {
                let mut insert = sql.prepare_cached(
                    "INSERT INTO events (at_us, event) VALUES (?1, ?2) RETURNING seq",
                )?;
                Ok(insert.query_row(params![at_us, Json(event)], |row| row.get(0))?)
            })
            .await
    }

    async fn read_after(&self, seq: u64, limit: u32) -> Result<Vec<LoggedEvent>, Error> {
        // Greater positions do not fit the column, and no event can have one.
        let seq = i64::try_from(seq).unwrap_or(i64::MAX);
        self.database
            .read(move |sql| {
                let mut query = sql.prepare_cached(
                    "SELECT seq, at_us, event FROM events WHERE seq > ?1 ORDER BY seq LIMIT ?2",
                )?;
                let rows = query.query_map(params![seq, limit], |row| {
                    Ok(LoggedEvent {
                        seq: row.get(0)?,
                        at_us: row.get(1)?,
                        event: row.get::<_, Json<_>>(2)?.0,
                    })
                })?;
                Ok(rows.collect::<Result<_, _>>()?)
            })
            .await
    }

    async fn prune(&self, before_us: i64) -> Result<u64, Error> {
        self.database
            .write(move |sql| {
                let mut delete = sql.prepare_cached("DELETE FROM events WHERE at_us < ?1")?;
                Ok(delete.execute([before_us])? as u64)
            })
            .await
    }
}

//! Owners in SQLite.

use async_trait::async_trait;
use plan::OwnerId;
use rusqlite::{OptionalExtension, Row, params};

use super::SqliteMetadata;
use super::value::Text;
use crate::Error;
use crate::metadata::{OwnerRow, Owners};

#[async_trait]
impl Owners for SqliteMetadata {
    async fn insert(&self, row: &OwnerRow) -> Result<(), Error> {
        let row = row.clone();
        self.database
            .write(move |sql| {
                let mut insert =
                    sql.prepare_cached("INSERT INTO owners VALUES (?1, ?2, ?3, ?4)")?;
                insert.execute(params![
                    Text(row.id),
                    row.name,
                    row.role.as_str(),
                    row.created_at_us
                ])?;
                Ok(())
            })
            .await
    }

    async fn get(&self, id: &OwnerId) -> Result<Option<OwnerRow>, Error> {
        let id = *id;
        self.database
            .read(move |sql| {
                let mut query = sql.prepare_cached("SELECT * FROM owners WHERE id = ?1")?;
                Ok(query.query_row([Text(id)], read).optional()?)
            })
            .await
    }

    async fn by_name(&self, name: &str) -> Result<Option<OwnerRow>, Error> {
        let name = name.to_owned();
        self.database
            .read(move |sql| {
                let mut query = sql.prepare_cached("SELECT * FROM owners WHERE name = ?1")?;
                Ok(query.query_row([name], read).optional()?)
            })
            .await
    }

    async fn list(&self) -> Result<Vec<OwnerRow>, Error> {
        self.database
            .read(|sql| {
                let mut query = sql.prepare_cached("SELECT * FROM owners ORDER BY name")?;
                let rows = query.query_map([], read)?;
                Ok(rows.collect::<Result<_, _>>()?)
            })
            .await
    }
}

fn read(row: &Row<'_>) -> rusqlite::Result<OwnerRow> {
    Ok(OwnerRow {
        id: row.get::<_, Text<_>>("id")?.0,
        name: row.get("name")?,
        role: row.get::<_, Text<_>>("role")?.0,
        created_at_us: row.get("created_at_us")?,
    })
}

//! Tokens in SQLite.

use async_trait::async_trait;
use plan::TokenId;
use rusqlite::{OptionalExtension, Row, params};

use super::SqliteMetadata;
use super::value::Text;
use crate::metadata::{TokenRow, Tokens};
use crate::{Error, SecretHash};

#[async_trait]
impl Tokens for SqliteMetadata {
    async fn insert(&self, row: &TokenRow) -> Result<(), Error> {
        let row = row.clone();
        self.database
            .write(move |sql| {
                let mut insert =
                    sql.prepare_cached("INSERT INTO tokens VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")?;
                insert.execute(params![
                    Text(row.id),
                    Text(row.owner),
                    row.name,
                    row.hash,
                    row.role.as_str(),
                    row.created_at_us,
                    row.revoked_at_us,
                ])?;
                Ok(())
            })
            .await
    }

    async fn by_hash(&self, hash: &SecretHash) -> Result<Option<TokenRow>, Error> {
        let hash = *hash;
        self.database
            .read(move |sql| {
                let mut query = sql.prepare_cached(
                    "SELECT * FROM tokens WHERE hash = ?1 AND revoked_at_us IS NULL",
                )?;
                Ok(query.query_row([hash], read).optional()?)
            })
            .await
    }

    async fn list(&self) -> Result<Vec<TokenRow>, Error> {
        self.database
            .read(|sql| {
                let mut query =
                    sql.prepare_cached("SELECT * FROM tokens ORDER BY created_at_us, id")?;
                let rows = query.query_map([], read)?;
                Ok(rows.collect::<Result<_, _>>()?)
            })
            .await
    }

    async fn revoke(&self, id: &TokenId, at_us: i64) -> Result<(), Error> {
        let id = *id;
        self.database
            .write(move |sql| {
                let mut update = sql.prepare_cached(
                    "UPDATE tokens SET revoked_at_us = coalesce(revoked_at_us, ?2) WHERE id = ?1",
                )?;
                match update.execute(params![Text(id), at_us])? {
                    0 => Err(Error::NotFound),
                    _ => Ok(()),
                }
            })
            .await
    }
}

fn read(row: &Row<'_>) -> rusqlite::Result<TokenRow> {
    Ok(TokenRow {
        id: row.get::<_, Text<_>>("id")?.0,
        owner: row.get::<_, Text<_>>("owner")?.0,
        name: row.get("name")?,
        hash: row.get("hash")?,
        role: row.get::<_, Text<_>>("role")?.0,
        created_at_us: row.get("created_at_us")?,
        revoked_at_us: row.get("revoked_at_us")?,
    })
}

//! Sign-in codes and sessions in SQLite. They can be written on a full disk too, since somebody has to sign in to
//! delete videos.

use async_trait::async_trait;
use plan::OwnerId;
use rusqlite::{OptionalExtension, params};

use super::SqliteMetadata;
use super::value::Text;
use crate::metadata::{SignInCode, SignInSession, SignIns};
use crate::{Error, SecretHash};

#[async_trait]
impl SignIns for SqliteMetadata {
    async fn insert_code(&self, code: &SignInCode) -> Result<(), Error> {
        let code = *code;
        self.database
            .write_surely(move |sql| {
                let mut insert =
                    sql.prepare_cached("INSERT INTO sign_in_codes VALUES (?1, ?2, ?3)")?;
                insert.execute(params![code.hash, Text(code.owner), code.expires_at_us])?;
                Ok(())
            })
            .await
    }

    async fn redeem(&self, hash: &SecretHash, now_us: i64) -> Result<Option<OwnerId>, Error> {
        let hash = *hash;
        self.database
            .write_surely(move |sql| {
                let mut delete = sql.prepare_cached(
                    "DELETE FROM sign_in_codes WHERE hash = ?1 RETURNING owner, expires_at_us",
                )?;
                let found = delete
                    .query_row([hash], |row| {
                        Ok((row.get::<_, Text<_>>(0)?.0, row.get::<_, i64>(1)?))
                    })
                    .optional()?;
                Ok(found
                    .filter(|(_, expires_at_us)| now_us < *expires_at_us)
                    .map(|found| found.0))
            })
            .await
    }

    async fn insert_session(&self, session: &SignInSession) -> Result<(), Error> {
        let session = *session;
        self.database
            .write_surely(move |sql| {
                let mut insert =
                    sql.prepare_cached("INSERT INTO sign_in_sessions VALUES (?1, ?2, ?3, ?4)")?;
                insert.execute(params![
                    session.hash,
                    Text(session.owner),
                    session.created_at_us,
                    session.expires_at_us,
                ])?;
                Ok(())
            })
            .await
    }

    async fn session(
        &self,
        hash: &SecretHash,
        now_us: i64,
    ) -> Result<Option<SignInSession>, Error> {
        let hash = *hash;
        self.database
            .read(move |sql| {
                let mut query = sql.prepare_cached(
                    "SELECT * FROM sign_in_sessions WHERE hash = ?1 AND expires_at_us > ?2",
                )?;
                let session = query.query_row(params![hash, now_us], |row| {
                    Ok(SignInSession {
                        hash: row.get("hash")?,
                        owner: row.get::<_, Text<_>>("owner")?.0,
                        created_at_us: row.get("created_at_us")?,
                        expires_at_us: row.get("expires_at_us")?,
                    })
                });
                Ok(session.optional()?)
            })
            .await
    }

    async fn end_session(&self, hash: &SecretHash) -> Result<(), Error> {
        let hash = *hash;
        self.database
            .write(move |sql| {
                sql.prepare_cached("DELETE FROM sign_in_sessions WHERE hash = ?1")?
                    .execute([hash])?;
                Ok(())
            })
            .await
    }

    async fn prune(&self, now_us: i64) -> Result<(), Error> {
        self.database
            .write(move |sql| {
                for table in ["sign_in_codes", "sign_in_sessions"] {
                    sql.prepare_cached(&format!("DELETE FROM {table} WHERE expires_at_us <= ?1"))?
                        .execute([now_us])?;
                }
                Ok(())
            })
            .await
    }
}

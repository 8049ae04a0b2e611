//! API tokens in CQL. The table by hash is the main one, since every request looks a token up by hash.

use async_trait::async_trait;
use futures::FutureExt;
use plan::TokenId;
use scylla::{DeserializeRow, SerializeRow};

use super::CqlMetadata;
use super::database::Say;
use super::value::{hash, parsed};
use crate::metadata::{TokenRow, Tokens};
use crate::{Error, SecretHash};

const INSERT: Say = Say::change(
    "INSERT INTO tokens_by_hash (hash, id, owner, name, role, created_at_us, revoked_at_us)
     VALUES (:hash, :id, :owner, :name, :role, :created_at_us, :revoked_at_us) IF NOT EXISTS",
);
const ADD_ID: Say = Say::change("INSERT INTO tokens (id, hash) VALUES (?, ?) IF NOT EXISTS");
const HASH_OF: Say = Say::settle("SELECT hash FROM tokens WHERE id = ?");
const BY_HASH: Say = Say::read(
    "SELECT hash, id, owner, name, role, created_at_us, revoked_at_us FROM tokens_by_hash
     WHERE hash = ?",
);
const SETTLED: Say = Say::settle("SELECT id FROM tokens_by_hash WHERE hash = ?");
const REVOKE: Say = Say::change(
    "UPDATE tokens_by_hash SET revoked_at_us = ? WHERE hash = ? IF id = ? AND revoked_at_us = null",
);
/// Reads all partitions, in the order of their tokens. API tokens are created by hand, so there are few.
const ALL: Say = Say::read(
    "SELECT hash, id, owner, name, role, created_at_us, revoked_at_us FROM tokens_by_hash",
);

#[async_trait]
impl Tokens for CqlMetadata {
    async fn insert(&self, row: &TokenRow) -> Result<(), Error> {
        let database = &self.database;
        let columns = Columns::of(row);
        // An id without a token is harmless: it revokes nothing.
        let id = (&columns.id, &columns.hash);
        let is_known = || {
            async {
                let hash = database.row::<(Vec<u8>,)>(HASH_OF, (&columns.id,)).await?;
                Ok(hash.is_some_and(|(hash,)| hash == columns.hash))
            }
            .boxed()
        };
        // A refused insert means that another token has the id, or that an earlier insert of this token was
        // interrupted here.
        if !database.change_surely(ADD_ID, id, &is_known).await? && !is_known().await? {
            return Err(Error::Conflict);
        }
        let is_done = || {
            async {
                let id = database.row::<(String,)>(SETTLED, (&columns.hash,)).await?;
                Ok(id.is_some_and(|(id,)| id == columns.id))
            }
            .boxed()
        };
        match database.change_surely(INSERT, &columns, is_done).await? {
            true => Ok(()),
            false => Err(Error::Conflict),
        }
    }

    async fn by_hash(&self, hash: &SecretHash) -> Result<Option<TokenRow>, Error> {
        let columns = self.database.row::<Columns>(BY_HASH, (&hash.0[..],));
        let row = columns.await?.map(Columns::into_row).transpose()?;
        Ok(row.filter(|row| row.revoked_at_us.is_none()))
    }

    async fn list(&self) -> Result<Vec<TokenRow>, Error> {
        let found = self.database.rows::<Columns>(ALL, ()).await?.into_iter();
        let rows: Result<Vec<_>, Error> = found.map(Columns::into_row).collect();
        let mut rows = rows?;
        rows.sort_unstable_by_key(|row| (row.created_at_us, row.id.to_string()));
        Ok(rows)
    }

    async fn revoke(&self, id: &TokenId, at_us: i64) -> Result<(), Error> {
        let (database, id) = (&self.database, id.to_string());
        let known = database.row::<(Vec<u8>,)>(HASH_OF, (&id,)).await?;
        let (hash,) = known.ok_or(Error::NotFound)?;
        let is_there = || {
            async {
                let known = database.row::<(String,)>(SETTLED, (&hash,)).await?;
                Ok(known.is_some_and(|(known,)| known == id))
            }
            .boxed()
        };
        // A refused update means that the token is revoked already or does not exist. The first time of a revocation
        // is kept.
        let revoke = (at_us, &hash, &id);
        let revoked = database.change_surely(REVOKE, revoke, &is_there).await?;
        if revoked || is_there().await? {
            Ok(())
        } else {
            Err(Error::NotFound)
        }
    }
}

#[derive(SerializeRow, DeserializeRow)]
struct Columns {
    hash: Vec<u8>,
    id: String,
    owner: String,
    name: String,
    role: String,
    created_at_us: i64,
    revoked_at_us: Option<i64>,
}

impl Columns {
    fn of(row: &TokenRow) -> Self {
        Self {
            hash: row.hash.0.to_vec(),
            id: row.id.to_string(),
            owner: row.owner.to_string(),
            name: row.name.clone(),
            role: row.role.to_string(),
            created_at_us: row.created_at_us,
            revoked_at_us: row.revoked_at_us,
        }
    }

    fn into_row(self) -> Result<TokenRow, Error> {
        Ok(TokenRow {
            id: parsed(&self.id)?,
            owner: parsed(&self.owner)?,
            name: self.name,
            hash: hash(&self.hash)?,
            role: parsed(&self.role)?,
            created_at_us: self.created_at_us,
            revoked_at_us: self.revoked_at_us,
        })
    }
}

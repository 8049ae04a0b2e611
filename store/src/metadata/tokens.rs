//! API tokens, of which only the hash is kept.

use async_trait::async_trait;
use plan::{OwnerId, TokenId};

use super::Role;
use crate::{Error, SecretHash};

/// An API token. Times are in microseconds since 1970 UTC.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenRow {
    /// Its public handle, to list and revoke it by.
    pub id: TokenId,
    /// On whose behalf it acts.
    pub owner: OwnerId,
    /// What its holder calls it.
    pub name: String,
    /// Of the secret.
    pub hash: SecretHash,
    /// What it may do.
    pub role: Role,
    /// When it was made.
    pub created_at_us: i64,
    /// When it was revoked.
    pub revoked_at_us: Option<i64>,
}

/// Tokens by handle and by hash.
#[async_trait]
pub trait Tokens: Send + Sync {
    /// Stores a new row. `Conflict` if there is one of that id or hash.
    async fn insert(&self, row: &TokenRow) -> Result<(), Error>;

    /// The token of a secret, unless it is revoked.
    async fn by_hash(&self, hash: &SecretHash) -> Result<Option<TokenRow>, Error>;

    /// All of them, revoked ones too, oldest first: made by hand, hence few.
    async fn list(&self) -> Result<Vec<TokenRow>, Error>;

    /// Revokes a token; again keeps the first time. `NotFound` if there is none.
    async fn revoke(&self, id: &TokenId, at_us: i64) -> Result<(), Error>;
}

//! API tokens. Only hashes of their secrets are stored.

use async_trait::async_trait;
use plan::{OwnerId, TokenId};

use super::Role;
use crate::{Error, SecretHash};

/// Row of an API token. Times are in microseconds since 1970 UTC.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenRow {
    /// Public id of the token, by which it is listed and revoked.
    pub id: TokenId,
    /// Owner on whose behalf the token acts.
    pub owner: OwnerId,
    /// Name that its holder gave to the token.
    pub name: String,
    /// Hash of the secret.
    pub hash: SecretHash,
    /// Role of the token.
    pub role: Role,
    /// Time of creation.
    pub created_at_us: i64,
    /// Time at which the token was revoked, if it was.
    pub revoked_at_us: Option<i64>,
}

/// Repository of tokens by public id and by hash.
#[async_trait]
pub trait Tokens: Send + Sync {
    /// Stores a new row. `Conflict` if a row with the same id or hash exists.
    async fn insert(&self, row: &TokenRow) -> Result<(), Error>;

    /// Reads the token of a secret, unless the token is revoked.
    async fn by_hash(&self, hash: &SecretHash) -> Result<Option<TokenRow>, Error>;

    /// Reads all tokens, oldest first, including revoked ones. Tokens are created by hand, so there are few.
    async fn list(&self) -> Result<Vec<TokenRow>, Error>;

    /// Revokes a token. A second call keeps the first time. `NotFound` if there is no such token.
    async fn revoke(&self, id: &TokenId, at_us: i64) -> Result<(), Error>;
}

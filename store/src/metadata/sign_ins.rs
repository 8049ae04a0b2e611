//! Sign-in codes, and the sessions they are exchanged for.

use async_trait::async_trait;
use plan::OwnerId;

use crate::{Error, SecretHash};

/// A code that signs somebody in once. Times are in microseconds since 1970 UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignInCode {
    /// Of the code.
    pub hash: SecretHash,
    /// Whom it signs in.
    pub owner: OwnerId,
    /// From when on it is worth nothing.
    pub expires_at_us: i64,
}

/// A signed-in browser. Times are in microseconds since 1970 UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignInSession {
    /// Of the cookie's value.
    pub hash: SecretHash,
    /// Who is signed in.
    pub owner: OwnerId,
    /// When that was.
    pub created_at_us: i64,
    /// From when on it is worth nothing.
    pub expires_at_us: i64,
}

/// Codes and sessions by hash.
#[async_trait]
pub trait SignIns: Send + Sync {
    /// Stores a new code. `Conflict` if there is one of that hash.
    async fn insert_code(&self, code: &SignInCode) -> Result<(), Error>;

    /// Uses a code up: of any number of racers one gets its owner. `None` if it was
    /// used, has expired or never was.
    async fn redeem(&self, hash: &SecretHash, now_us: i64) -> Result<Option<OwnerId>, Error>;

    /// Stores a new session. `Conflict` if there is one of that hash.
    async fn insert_session(&self, session: &SignInSession) -> Result<(), Error>;

    /// A session that has not expired.
    async fn session(&self, hash: &SecretHash, now_us: i64)
    -> Result<Option<SignInSession>, Error>;

    /// Signs out; no error if nobody was signed in.
    async fn end_session(&self, hash: &SecretHash) -> Result<(), Error>;

    /// Forgets what has expired.
    async fn prune(&self, now_us: i64) -> Result<(), Error>;
}

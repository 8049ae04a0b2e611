//! Sign-in codes, and the sessions for which they are exchanged.

use async_trait::async_trait;
use plan::OwnerId;

use crate::{Error, SecretHash};

/// Single-use code that signs an owner in. Times are in microseconds since 1970 UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignInCode {
    /// Hash of the code.
    pub hash: SecretHash,
    /// Owner whom the code signs in.
    pub owner: OwnerId,
    /// Time from which the code is invalid.
    pub expires_at_us: i64,
}

/// Session of a signed-in browser. Times are in microseconds since 1970 UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignInSession {
    /// Hash of the cookie's value.
    pub hash: SecretHash,
    /// Owner who is signed in.
    pub owner: OwnerId,
    /// Time of the sign-in.
    pub created_at_us: i64,
    /// Time from which the session is invalid.
    pub expires_at_us: i64,
}

/// Repository of codes and sessions by hash.
#[async_trait]
pub trait SignIns: Send + Sync {
    /// Stores a new code. `Conflict` if a code with the same hash exists.
    async fn insert_code(&self, code: &SignInCode) -> Result<(), Error>;

    /// Uses up a code and returns its owner. Exactly one of several concurrent callers succeeds. `None` if the code
    /// was used, has expired or never existed.
    async fn redeem(&self, hash: &SecretHash, now_us: i64) -> Result<Option<OwnerId>, Error>;

    /// Stores a new session. `Conflict` if a session with the same hash exists.
    async fn insert_session(&self, session: &SignInSession) -> Result<(), Error>;

    /// Reads a session that has not expired.
    async fn session(&self, hash: &SecretHash, now_us: i64)
    -> Result<Option<SignInSession>, Error>;

    /// Removes a session. It is not an error if there is none.
    async fn end_session(&self, hash: &SecretHash) -> Result<(), Error>;

    /// Removes expired codes and sessions.
    async fn prune(&self, now_us: i64) -> Result<(), Error>;
}

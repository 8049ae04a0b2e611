//! Sign-in codes and sessions in CQL. The database removes them some time after they expire.

use async_trait::async_trait;
use futures::{FutureExt, future};
use plan::OwnerId;

use super::CqlMetadata;
use super::database::Say;
use super::value::parsed;
use crate::metadata::{SignInCode, SignInSession, SignIns};
use crate::{Error, SecretHash};

/// Time in seconds for which an expired row is kept, since clocks may differ.
const GRACE_S: i64 = 24 * 3600;
/// Longest time to live in seconds that CQL accepts for a row: 20 years.
const LONGEST_S: i64 = 20 * 365 * 24 * 3600;

const INSERT_CODE: Say = Say::change(
    "INSERT INTO sign_in_codes (hash, owner, expires_at_us) VALUES (?, ?, ?)
     IF NOT EXISTS USING TTL ?",
);
const CODE: Say = Say::read("SELECT owner, expires_at_us FROM sign_in_codes WHERE hash = ?");
const REDEEM: Say = Say::change("DELETE FROM sign_in_codes WHERE hash = ? IF EXISTS");
const CODES: Say = Say::read("SELECT hash, expires_at_us FROM sign_in_codes");
const INSERT_SESSION: Say = Say::change(
    "INSERT INTO sign_in_sessions (hash, owner, created_at_us, expires_at_us)
     VALUES (?, ?, ?, ?) IF NOT EXISTS USING TTL ?",
);
const SESSION: Say =
    Say::read("SELECT owner, created_at_us, expires_at_us FROM sign_in_sessions WHERE hash = ?");
const END_SESSION: Say = Say::change("DELETE FROM sign_in_sessions WHERE hash = ? IF EXISTS");
const SESSIONS: Say = Say::read("SELECT hash, expires_at_us FROM sign_in_sessions");

type Key<'a> = (&'a [u8],);

#[async_trait]
impl SignIns for CqlMetadata {
    async fn insert_code(&self, code: &SignInCode) -> Result<(), Error> {
        let row = (
            &code.hash.0[..],
            code.owner.to_string(),
            code.expires_at_us,
            self.seconds_until(code.expires_at_us),
        );
        match self.database.change(INSERT_CODE, row).await? {
            true => Ok(()),
            false => Err(Error::Conflict),
        }
    }

    async fn redeem(&self, hash: &SecretHash, now_us: i64) -> Result<Option<OwnerId>, Error> {
        let key: Key<'_> = (&hash.0[..],);
        let code = self.database.row::<(String, i64)>(CODE, key).await?;
        let Some((owner, _)) = code.filter(|(_, expires_at_us)| now_us < *expires_at_us) else {
            return Ok(None);
        };
        // After a lost answer the code may be used up; its owner then requests another one.
        let is_ours = self.database.change(REDEEM, key).await?;
        is_ours.then(|| parsed(&owner)).transpose()
    }

    async fn insert_session(&self, session: &SignInSession) -> Result<(), Error> {
        let row = (
            &session.hash.0[..],
            session.owner.to_string(),
            session.created_at_us,
            session.expires_at_us,
            self.seconds_until(session.expires_at_us),
        );
        match self.database.change(INSERT_SESSION, row).await? {
            true => Ok(()),
            false => Err(Error::Conflict),
        }
    }

    async fn session(
        &self,
        hash: &SecretHash,
        now_us: i64,
    ) -> Result<Option<SignInSession>, Error> {
        let key: Key<'_> = (&hash.0[..],);
        let found = self.database.row::<(String, i64, i64)>(SESSION, key);
        let Some((owner, created_at_us, expires_at_us)) = found.await? else {
            return Ok(None);
        };
        let session = SignInSession {
            hash: *hash,
            owner: parsed(&owner)?,
            created_at_us,
            expires_at_us,
        };
        Ok(Some(session).filter(|session| now_us < session.expires_at_us))
    }

    async fn end_session(&self, hash: &SecretHash) -> Result<(), Error> {
        let key: Key<'_> = (&hash.0[..],);
        self.database
            .change_surely(END_SESSION, key, || future::ready(Ok(false)).boxed())
            .await
            .map(drop)
    }

    async fn prune(&self, now_us: i64) -> Result<(), Error> {
        for (all, delete) in [(CODES, REDEEM), (SESSIONS, END_SESSION)] {
            for (hash, expires_at_us) in self.database.rows::<(Vec<u8>, i64)>(all, ()).await? {
                if expires_at_us <= now_us {
                    self.database.change(delete, (hash,)).await?;
                }
            }
        }
        Ok(())
    }
}

impl CqlMetadata {
    /// Time to live of a row in seconds.
    fn seconds_until(&self, expires_at_us: i64) -> i32 {
        let left = expires_at_us.saturating_sub(self.clock.now_us()) / 1_000_000;
        // The value fits: 20 years are half of the range.
        left.saturating_add(GRACE_S).clamp(GRACE_S, LONGEST_S) as i32
    }
}

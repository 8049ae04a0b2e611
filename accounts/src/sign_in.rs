//! Sign-in: a single-use code in a link is exchanged for a session cookie.

use std::time::Duration;

use plan::OwnerId;
use store::metadata::{SignInCode, SignInSession};
use store::{Error, Rows, Secret, SecretHash};

use crate::Principal;

/// Time for which a sign-in code is valid.
const CODE_LIFE: Duration = Duration::from_secs(10 * 60);
/// Time for which a session cookie is valid.
pub const SESSION_LIFE: Duration = Duration::from_secs(30 * 24 * 3600);

/// Creates a code that signs an owner in once.
pub async fn create_code(rows: &impl Rows, owner: OwnerId) -> Result<Secret, Error> {
    let secret = rows.ids().code();
    let code = SignInCode {
        hash: secret.hash(),
        owner,
        expires_at_us: rows.clock().now_us() + CODE_LIFE.as_micros() as i64,
    };
    let sign_ins = rows.metadata().sign_ins();
    // Codes are created by hand, a few a day, which is often enough to remove expired rows.
    sign_ins.prune(rows.clock().now_us()).await?;
    sign_ins.insert_code(&code).await?;
    Ok(secret)
}

/// Exchanges a code for the value of a session cookie. `None` if the code was used, has expired or never existed.
pub async fn exchange(rows: &impl Rows, presented: &str) -> Result<Option<Secret>, Error> {
    let now = rows.clock().now_us();
    let sign_ins = rows.metadata().sign_ins();
    let Some(owner) = sign_ins.redeem(&SecretHash::of(presented), now).await? else {
        return Ok(None);
    };
    let secret = rows.ids().secret();
    let session = SignInSession {
        hash: secret.hash(),
        owner,
        created_at_us: now,
        expires_at_us: now + SESSION_LIFE.as_micros() as i64,
    };
    sign_ins.insert_session(&session).await?;
    Ok(Some(secret))
}

/// Returns the principal that is signed in with this cookie, if any.
pub async fn authenticate(rows: &impl Rows, presented: &str) -> Result<Option<Principal>, Error> {
    let now = rows.clock().now_us();
    let hash = SecretHash::of(presented);
    let Some(session) = rows.metadata().sign_ins().session(&hash, now).await? else {
        return Ok(None);
    };
    let owner = rows.metadata().owners().get(&session.owner).await?;
    Ok(owner.map(|owner| Principal {
        owner: owner.id,
        role: owner.role,
    }))
}

/// Signs out: the cookie is no longer valid.
pub async fn sign_out(rows: &impl Rows, presented: &str) -> Result<(), Error> {
    let hash = SecretHash::of(presented);
    rows.metadata().sign_ins().end_session(&hash).await
}

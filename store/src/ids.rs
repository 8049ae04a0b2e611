//! The only allocator of public ids and secrets.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use plan::{OwnerId, SessionId, TokenId, UploadId, VideoId};
use sha2::{Digest, Sha256};
use type_safe_id::{StaticType, TypeSafeId};

use crate::clock::Clock;
use crate::work::WorkerId;

/// Allocator of TypeIDs of UUIDv7, from a clock and the random generator of the operating system.
///
/// # Panics
/// Every method panics if the operating system has no random bytes: no id or secret is better than a guessable one.
#[derive(Clone, Debug)]
pub struct Ids {
    clock: Arc<dyn Clock>,
}

impl Ids {
    /// Creates an allocator whose ids take their time stamps from `clock`.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock }
    }

    /// Allocates the id of a new video.
    pub fn video(&self) -> VideoId {
        self.allocate()
    }

    /// Allocates the id of a new upload.
    pub fn upload(&self) -> UploadId {
        self.allocate()
    }

    /// Allocates the id of a new owner.
    pub fn owner(&self) -> OwnerId {
        self.allocate()
    }

    /// Allocates the id of a new engine session.
    pub fn session(&self) -> SessionId {
        self.allocate()
    }

    /// Allocates the public id of a new token.
    pub fn token(&self) -> TokenId {
        self.allocate()
    }

    /// Allocates the id of a new worker.
    pub fn worker(&self) -> WorkerId {
        WorkerId(self.uuid())
    }

    /// Allocates an id of any kind. Ids of one process sort by time, to the millisecond.
    pub fn allocate<T: StaticType + Default>(&self) -> TypeSafeId<T> {
        TypeSafeId::from_uuid(self.uuid())
    }

    fn uuid(&self) -> uuid::Uuid {
        let millis = u64::try_from(self.clock.now_us() / 1000).unwrap_or(0);
        uuid::Builder::from_unix_timestamp_millis(millis, &random::<10>()).into_uuid()
    }

    /// Creates a secret of 256 bits, for API tokens and session cookies.
    pub fn secret(&self) -> Secret {
        Secret(hex::encode(random::<32>()))
    }

    /// Creates a secret of 128 bits, short enough for a link. It is valid for minutes and can be used once.
    pub fn code(&self) -> Secret {
        Secret(hex::encode(random::<16>()))
    }
}

fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the operating system has no random bytes");
    bytes
}

/// Secret in plain text. It is shown once, and never stored or logged.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// The text of the secret, for its holder.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Hash of the secret, which the store keeps.
    pub fn hash(&self) -> SecretHash {
        SecretHash::of(&self.0)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// SHA-256 of a secret. No salt or stretching is needed, since secrets are random and long. Hashes are looked up by
/// equality, so timing reveals nothing about the secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SecretHash(pub(crate) [u8; 32]);

impl SecretHash {
    /// Computes the hash of a secret that a client presented.
    pub fn of(presented: &str) -> Self {
        Self(Sha256::digest(presented.as_bytes()).into())
    }
}

impl fmt::Display for SecretHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

/// Error for a text that is not a SHA-256 in lower-case hexadecimal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a SHA-256 in hexadecimal")]
pub struct NotAHash;

impl FromStr for SecretHash {
    type Err = NotAHash;

    fn from_str(text: &str) -> Result<Self, NotAHash> {
        let canonical = text.len() == 64
            && text
                .bytes()
                .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        if !canonical {
            return Err(NotAHash);
        }
        let mut bytes = [0; 32];
        for (slot, at) in bytes.iter_mut().zip((0..64).step_by(2)) {
            *slot = u8::from_str_radix(&text[at..at + 2], 16).map_err(|_| NotAHash)?;
        }
        Ok(Self(bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::ManualClock;
    use std::time::Duration;

    #[test]
    fn later_ids_sort_after_earlier_ones() {
        let clock = ManualClock::new(1_700_000_000_000_000);
        let ids = Ids::new(Arc::new(clock.clone()));
        let first = ids.video();
        clock.advance(Duration::from_millis(1));
        let second = ids.video();
        assert!(first.to_string() < second.to_string());
        assert_eq!(first.uuid().get_version(), Some(uuid::Version::SortRand));
    }

    #[test]
    fn a_secret_is_never_printed_and_its_hash_is_parsed_in_one_spelling() {
        let ids = Ids::new(Arc::new(ManualClock::new(0)));
        let secret = ids.secret();
        assert_eq!(secret.expose().len(), 64);
        assert!(!format!("{secret:?}").contains(secret.expose()));
        let hash = secret.hash();
        assert_eq!(hash.to_string().parse(), Ok(hash));
        assert_eq!(
            hash.to_string().to_uppercase().parse::<SecretHash>(),
            Err(NotAHash)
        );
        assert_ne!(ids.secret(), secret);
    }
}

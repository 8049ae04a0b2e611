//! People and what they may do: owners, API tokens, sign-in.

pub mod people;
pub mod sign_in;
pub mod tokens;

use plan::OwnerId;
use store::metadata::Role;

/// Who makes a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Principal {
    /// On whose behalf.
    pub owner: OwnerId,
    /// What they may do.
    pub role: Role,
}

impl Principal {
    /// Whether they may see and change what belongs to `owner`.
    pub fn may_touch(&self, owner: OwnerId) -> bool {
        self.role == Role::Admin || self.owner == owner
    }
}

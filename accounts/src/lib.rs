//! Users and their rights: owners, API tokens and sign-in. Secrets that clients present go in; a [`Principal`] comes
//! out.

pub mod owners;
pub mod sign_in;
pub mod tokens;

use plan::OwnerId;
use store::metadata::Role;

/// Identity on whose behalf a request is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Principal {
    /// Owner on whose behalf the request is made.
    pub owner: OwnerId,
    /// Role that decides what the request may do.
    pub role: Role,
}

impl Principal {
    /// Whether the principal may see and change what belongs to `owner`.
    pub fn may_touch(&self, owner: OwnerId) -> bool {
        self.role == Role::Admin || self.owner == owner
    }
}

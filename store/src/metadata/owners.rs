//! Who owns videos and tokens.

use async_trait::async_trait;
use plan::OwnerId;

use crate::Error;

spelled!(
    /// What somebody may do.
    Role {
        /// Everything.
        Admin = "admin",
        /// Upload, and whatever concerns their own videos.
        Uploader = "uploader",
    }
);

/// Somebody who owns videos and tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnerRow {
    /// Their id.
    pub id: OwnerId,
    /// What people call them; unique.
    pub name: String,
    /// What they may do.
    pub role: Role,
    /// In microseconds since 1970 UTC.
    pub created_at_us: i64,
}

/// Owners by id and by name.
#[async_trait]
pub trait Owners: Send + Sync {
    /// Stores a new row. `Conflict` if there is one of that id or name.
    async fn insert(&self, row: &OwnerRow) -> Result<(), Error>;

    /// A row by id.
    async fn get(&self, id: &OwnerId) -> Result<Option<OwnerRow>, Error>;

    /// A row by name.
    async fn by_name(&self, name: &str) -> Result<Option<OwnerRow>, Error>;

    /// All of them, by name: people, hence few.
    async fn list(&self) -> Result<Vec<OwnerRow>, Error>;
}

//! Owners of videos and tokens.

use async_trait::async_trait;
use plan::OwnerId;

use crate::Error;

spelled!(
    /// Role that decides what an owner or token may do.
    Role {
        /// May do everything.
        Admin = "admin",
        /// May upload, and manage their own videos.
        Uploader = "uploader",
    }
);

/// Row of a person or program that owns videos and tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnerRow {
    /// Id of the owner.
    pub id: OwnerId,
    /// Unique name of the owner.
    pub name: String,
    /// Role of the owner.
    pub role: Role,
    /// Time of creation in microseconds since 1970 UTC.
    pub created_at_us: i64,
}

/// Repository of owners by id and by name.
#[async_trait]
pub trait Owners: Send + Sync {
    /// Stores a new row. `Conflict` if a row with the same id or name exists.
    async fn insert(&self, row: &OwnerRow) -> Result<(), Error>;

    /// Reads a row by id.
    async fn get(&self, id: &OwnerId) -> Result<Option<OwnerRow>, Error>;

    /// Reads a row by name.
    async fn by_name(&self, name: &str) -> Result<Option<OwnerRow>, Error>;

    /// Reads all rows in the order of names. There are few owners.
    async fn list(&self) -> Result<Vec<OwnerRow>, Error>;
}

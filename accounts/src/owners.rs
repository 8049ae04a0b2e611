//! Owners: people and programs that own videos and tokens.

use store::metadata::{OwnerRow, Role};
use store::{Error, Rows};

/// Returns the owner with this name. If there is none, creates one with `role`.
pub async fn find_or_create(rows: &impl Rows, name: &str, role: Role) -> Result<OwnerRow, Error> {
    let owners = rows.metadata().owners();
    if let Some(known) = owners.by_name(name).await? {
        return Ok(known);
    }
    let row = OwnerRow {
        id: rows.ids().owner(),
        name: name.to_owned(),
        role,
        created_at_us: rows.clock().now_us(),
    };
    match owners.insert(&row).await {
        Ok(()) => Ok(row),
        // Another process created the owner at the same time.
        Err(Error::Conflict) => owners.by_name(name).await?.ok_or(Error::Conflict),
        Err(other) => Err(other),
    }
}

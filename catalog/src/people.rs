//! Owners: those who own videos and tokens.

use store::metadata::{OwnerRow, Role};
use store::{Error, Rows};

/// The owner of this name; made with `role` where there is none yet.
pub async fn owner(rows: &impl Rows, name: &str, role: Role) -> Result<OwnerRow, Error> {
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
        // Somebody else was faster.
        Err(Error::Conflict) => owners.by_name(name).await?.ok_or(Error::Conflict),
        Err(other) => Err(other),
    }
}

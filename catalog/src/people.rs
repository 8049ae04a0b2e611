//! Owners: those who own videos and tokens.

use store::metadata::{OwnerRow, Role};
use store::{Error, Stores};

/// The owner of this name; made with `role` where there is none yet.
pub async fn owner(stores: &Stores, name: &str, role: Role) -> Result<OwnerRow, Error> {
    let owners = stores.metadata.owners();
    if let Some(known) = owners.by_name(name).await? {
        return Ok(known);
    }
    let row = OwnerRow {
        id: stores.ids.owner(),
        name: name.to_owned(),
        role,
        created_at_us: stores.clock.now_us(),
    };
    match owners.insert(&row).await {
        Ok(()) => Ok(row),
        // Somebody else was faster.
        Err(Error::Conflict) => owners.by_name(name).await?.ok_or(Error::Conflict),
        Err(other) => Err(other),
    }
}

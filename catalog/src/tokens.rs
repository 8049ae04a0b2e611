//! API tokens: random, shown once, stored as a hash.

use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use plan::TokenId;
use store::metadata::{Role, TokenRow};
use store::{Error, Rows, Secret, SecretHash};

use crate::{Principal, people};

/// The owner that the first start makes.
pub const ADMIN: &str = "admin";
/// Where its token lies in the data folder.
pub const ADMIN_TOKEN_FILE: &str = "admin-token";

/// Makes a token for the owner of a name.
pub async fn create(
    rows: &impl Rows,
    owner: &str,
    name: &str,
    role: Role,
) -> Result<(TokenRow, Secret), Error> {
    let owner = people::owner(rows, owner, role).await?;
    let secret = rows.ids().secret();
    let row = TokenRow {
        id: rows.ids().token(),
        owner: owner.id,
        name: name.to_owned(),
        hash: secret.hash(),
        role,
        created_at_us: rows.clock().now_us(),
        revoked_at_us: None,
    };
    rows.metadata().tokens().insert(&row).await?;
    Ok((row, secret))
}

/// Whose token this is, if it is one. The secret is looked up by its hash, so that no
/// comparison takes longer the more of it is right.
pub async fn authenticate(rows: &impl Rows, presented: &str) -> Result<Option<Principal>, Error> {
    let token = rows
        .metadata()
        .tokens()
        .by_hash(&SecretHash::of(presented))
        .await?;
    Ok(token.map(|token| Principal {
        owner: token.owner,
        role: token.role,
    }))
}

/// All tokens, revoked ones too, without their secrets; oldest first.
pub async fn list(rows: &impl Rows) -> Result<Vec<TokenRow>, Error> {
    rows.metadata().tokens().list().await
}

/// Revokes a token: it opens nothing from now on. `NotFound` where there is none of this id.
pub async fn revoke(rows: &impl Rows, id: &TokenId) -> Result<(), Error> {
    let now = rows.clock().now_us();
    rows.metadata().tokens().revoke(id, now).await
}

/// The admin token could not be written.
#[derive(Debug, thiserror::Error)]
pub enum AdminTokenError {
    /// To its file.
    #[error("cannot write {path}: {error}")]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        error: std::io::Error,
    },
    /// To the store.
    #[error("the store did not answer: {0}")]
    Store(#[from] Error),
}

/// On the first start: an admin, and a token in `folder/admin-token` that only the user who
/// runs the program can read. The file is whole or not there: a start that is killed on the way
/// is a first start again.
pub async fn first_start(rows: &impl Rows, folder: &Path) -> Result<(), AdminTokenError> {
    let path = folder.join(ADMIN_TOKEN_FILE);
    if path.exists() {
        return Ok(());
    }
    let (_, secret) = create(rows, ADMIN, "first start", Role::Admin).await?;
    write_secret(&path, &secret).map_err(|error| AdminTokenError::File { path, error })
}

fn write_secret(path: &Path, secret: &Secret) -> std::io::Result<()> {
    let unfinished = path.with_extension("new");
    let _ = std::fs::remove_file(&unfinished); // of a start that was killed
    let mut options = std::fs::OpenOptions::new();
    let mut file = options
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&unfinished)?;
    writeln!(file, "{}", secret.expose())?;
    file.sync_all()?;
    std::fs::rename(&unfinished, path)
}

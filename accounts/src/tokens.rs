//! API tokens: random secrets that are shown once and stored as a hash.

use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use plan::TokenId;
use store::metadata::{Role, TokenRow};
use store::{Error, Rows, Secret, SecretHash};

use crate::{Principal, owners};

/// Name of the owner that the first start creates.
pub const ADMIN: &str = "admin";
/// Name of the file in the data folder with the token of that owner.
pub const ADMIN_TOKEN_FILE: &str = "admin-token";

/// Creates a token for the owner with a name, and the owner if there is none.
pub async fn create(
    rows: &impl Rows,
    owner: &str,
    name: &str,
    role: Role,
) -> Result<(TokenRow, Secret), Error> {
    let owner = owners::find_or_create(rows, owner, role).await?;
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

/// Returns the principal of a token, if the token is valid. The secret is looked up by its hash, so that the time of
/// a comparison does not tell how much of a guess is right.
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

/// All tokens without their secrets, oldest first; revoked tokens are among them.
pub async fn list(rows: &impl Rows) -> Result<Vec<TokenRow>, Error> {
    rows.metadata().tokens().list().await
}

/// Revokes a token, which is no longer valid from now on. `NotFound` if there is no token with this id.
pub async fn revoke(rows: &impl Rows, id: &TokenId) -> Result<(), Error> {
    let now = rows.clock().now_us();
    rows.metadata().tokens().revoke(id, now).await
}

/// Reason why the admin token could not be created.
#[derive(Debug, thiserror::Error)]
pub enum AdminTokenError {
    /// The file of the token could not be written.
    #[error("cannot write {path}: {error}")]
    File {
        /// Path of the file.
        path: PathBuf,
        /// Error of the file system.
        #[source]
        error: std::io::Error,
    },
    /// The store failed.
    #[error("the store did not answer: {0}")]
    Store(#[from] Error),
}

/// Creates an admin and, in `folder/admin-token`, a token that only the user who runs the program can read, unless
/// the file exists. The file appears only when it is complete, so that a start that is killed on the way is repeated
/// as a first start.
pub async fn create_admin_token(rows: &impl Rows, folder: &Path) -> Result<(), AdminTokenError> {
    let path = folder.join(ADMIN_TOKEN_FILE);
    if path.exists() {
        return Ok(());
    }
    let (_, secret) = create(rows, ADMIN, "first start", Role::Admin).await?;
    write_secret(&path, &secret).map_err(|error| AdminTokenError::File { path, error })
}

fn write_secret(path: &Path, secret: &Secret) -> std::io::Result<()> {
    let unfinished = path.with_extension("new");
    let _ = std::fs::remove_file(&unfinished); // left by a start that was killed
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

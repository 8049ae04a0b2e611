//! URL of the server that uses a data folder. The server writes it into a file of the folder, so that `reelmill
//! sign-in` on the same machine prints links that reach the server.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

fn file(data: &Path) -> PathBuf {
    data.join("reached-at")
}

/// Writes the public URL of the server into the data folder.
pub fn record(data: &Path, public_url: &str) -> Result<()> {
    let path = file(data);
    let written = std::fs::write(&path, format!("{public_url}\n"));
    written.with_context(|| format!("cannot write {}", path.display()))
}

/// Public URL of the server that uses this data folder, or used it last; `None` if no server ever did.
pub fn recorded(data: &Path) -> Option<String> {
    let text = std::fs::read_to_string(file(data)).ok()?;
    Some(text.trim().to_owned())
}

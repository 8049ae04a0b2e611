//! Where the server of a data folder is reached: noted there by the server, for commands beside it.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

fn file(data: &Path) -> PathBuf {
    data.join("reached-at")
}

/// Notes it.
pub fn note(data: &Path, public_url: &str) -> Result<()> {
    let path = file(data);
    let noted = std::fs::write(&path, format!("{public_url}\n"));
    noted.with_context(|| format!("cannot write {}", path.display()))
}

/// Where the server of this folder is or was reached, if one ever was.
pub fn noted(data: &Path) -> Option<String> {
    let text = std::fs::read_to_string(file(data)).ok()?;
    Some(text.trim().to_owned())
}

//! Which source and policy a presentation's folder belongs to.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::Path;

use anyhow::{Context, Result};
use plan::Policy;
use serde::{Deserialize, Serialize};

/// What of a source is hashed at either end.
const END: u64 = 1 << 20;
const FILE: &str = ".reelmill/identity.json";

/// A source and how it is to be encoded.
#[derive(PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    size: u64,
    modified_ns: i128,
    /// BLAKE3 of the first and the last MiB.
    ends: String,
    policy: Policy,
    generation: u32,
}

/// Whether a folder may be written.
pub enum Claim {
    /// It was empty, or belongs to this source and policy.
    Ours,
    /// It belongs to others.
    Foreign,
    /// It has files in it that are no presentation.
    Somebodys,
}

impl Identity {
    /// The identity of a file under a policy.
    pub fn of(input: &Path, policy: &Policy) -> io::Result<Self> {
        let file = File::open(input)?;
        let metadata = file.metadata()?;
        if metadata.is_dir() {
            return Err(io::ErrorKind::IsADirectory.into());
        }
        let size = metadata.len();
        let mut hasher = blake3::Hasher::new();
        for from in [0, size.saturating_sub(END)] {
            let mut bytes = vec![0; END.min(size) as usize];
            file.read_exact_at(&mut bytes, from)?;
            hasher.update(&bytes);
        }
        Ok(Self {
            size,
            modified_ns: i128::from(metadata.mtime()) * 1_000_000_000
                + i128::from(metadata.mtime_nsec()),
            ends: hasher.finalize().to_hex().to_string(),
            policy: policy.clone(),
            generation: plan::MEDIA_GENERATION,
        })
    }

    /// Takes a folder for this identity, clearing it first where it is another's and `force`.
    pub fn claim(&self, folder: &Path, force: bool) -> Result<Claim> {
        let path = folder.join(FILE);
        match fs::read(&path) {
            Ok(json) if serde_json::from_slice::<Self>(&json).is_ok_and(|known| known == *self) => {
                return Ok(Claim::Ours);
            }
            Ok(_) if !force => return Ok(Claim::Foreign),
            Ok(_) => clear(folder)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                // Somebody's folder that we did not make is not ours to fill or to clear.
                if folder.is_dir() && fs::read_dir(folder)?.next().is_some() {
                    return Ok(Claim::Somebodys);
                }
            }
            Err(error) => return Err(error).context("cannot read the folder's identity"),
        }
        fs::create_dir_all(folder.join(".reelmill"))
            .with_context(|| format!("cannot make {}", folder.display()))?;
        fs::write(&path, serde_json::to_vec_pretty(self)?)?;
        Ok(Claim::Ours)
    }
}

/// Removes what is in a presentation's folder.
fn clear(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            fs::remove_dir_all(entry.path())?;
        } else {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

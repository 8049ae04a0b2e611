//! Identity of a presentation's folder: which source and which encoding policy its files were made from. It is kept in
//! a file of the folder, so that a second run continues the same work and never mixes two sources.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::Path;

use anyhow::{Context, Result};
use plan::Policy;
use serde::{Deserialize, Serialize};

/// Bytes that are hashed at each end of a source: enough to tell files apart, without reading all of a large one.
const END: u64 = 1 << 20;
/// Path of the identity's file inside the presentation's folder.
const FILE: &str = ".reelmill/identity.json";

/// Source of a presentation and the policy by which it is encoded.
#[derive(PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    size: u64,
    modified_ns: i128,
    /// BLAKE3 hash of the first and the last MiB of the source, in hexadecimal.
    ends: String,
    policy: Policy,
    generation: u32,
}

/// Answer to the question whether a presentation may be written into a folder.
pub enum Claim {
    /// The folder was empty, or belongs to this source and policy.
    Ours,
    /// The folder holds the presentation of another source or policy.
    Foreign,
    /// The folder holds files that are not a presentation.
    NotOurs,
}

impl Identity {
    /// Identity of a file that is encoded by this policy.
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

    /// Claims a folder for this identity. With `force`, the presentation of another identity is deleted first.
    pub fn claim(&self, folder: &Path, force: bool) -> Result<Claim> {
        let path = folder.join(FILE);
        match fs::read(&path) {
            Ok(json) if serde_json::from_slice::<Self>(&json).is_ok_and(|known| known == *self) => {
                return Ok(Claim::Ours);
            }
            Ok(_) if !force => return Ok(Claim::Foreign),
            Ok(_) => clear(folder)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                // A folder with files but without an identity was not made by reelmill: it is neither filled nor
                // cleared.
                if folder.is_dir() && fs::read_dir(folder)?.next().is_some() {
                    return Ok(Claim::NotOurs);
                }
            }
            Err(error) => {
                return Err(error).context("cannot read the folder's .reelmill/identity.json");
            }
        }
        fs::create_dir_all(folder.join(".reelmill"))
            .with_context(|| format!("cannot create the folder {}", folder.display()))?;
        fs::write(&path, serde_json::to_vec_pretty(self)?)?;
        Ok(Claim::Ours)
    }
}

/// Deletes everything inside a presentation's folder.
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

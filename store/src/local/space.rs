//! Space on the disk of a data folder. Objects leave a margin free, so that rows can still be written; a file that holds
//! space gives it to deletions, where others have filled the disk.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use nix::fcntl::{FallocateFlags, fallocate};
use nix::sys::statvfs::statvfs;

use crate::Error;

/// What objects leave free: this part of the disk, within these bounds.
const MARGIN_OF: u64 = 200;
const MARGIN: (u64, u64) = (4 << 20, 512 << 20);
/// What the file holds: some thousand deletions.
const HELD_OF: u64 = 64;
const HELD: (u64, u64) = (1 << 20, 8 << 20);

/// The space of one data folder.
pub(super) struct Space {
    root: PathBuf,
    margin: u64,
    held: Held,
}

/// A file that holds space.
struct Held {
    file: File,
    bytes: u64,
    /// Given away, and not taken back yet.
    is_released: AtomicBool,
}

impl Space {
    /// Of the disk that a folder is on; the file `held` holds what is kept for deletions.
    pub(super) fn open(root: &Path, held: &Path) -> io::Result<Self> {
        let disk = statvfs(root)?;
        let total = disk.blocks().saturating_mul(disk.fragment_size());
        let part = |of: u64, (least, most): (u64, u64)| (total / of).clamp(least, most);
        let space = Self {
            root: root.to_owned(),
            margin: part(MARGIN_OF, MARGIN),
            held: Held::open(held, part(HELD_OF, HELD))?,
        };
        space.hold_again();
        Ok(space)
    }

    fn available(&self) -> io::Result<u64> {
        let disk = statvfs(&self.root)?;
        Ok(disk.blocks_available().saturating_mul(disk.fragment_size()))
    }

    /// Bytes of objects that can still be stored.
    pub(super) fn free(&self) -> Result<u64, Error> {
        Ok(self.available()?.saturating_sub(self.margin))
    }

    /// Whether an object of so many bytes may be stored.
    pub(super) fn admit(&self, bytes: usize) -> Result<(), Error> {
        match self.free()? >= bytes as u64 {
            true => Ok(()),
            false => Err(Error::NoSpace),
        }
    }

    /// Gives away what is held; says whether anything was.
    pub(super) fn release(&self) -> bool {
        let gives = !self.held.is_released.swap(true, Ordering::AcqRel);
        let given = gives && self.held.file.set_len(0).is_ok();
        if given {
            tracing::warn!("the disk is full: a deletion uses what is kept for it");
        }
        given
    }

    /// Takes back what was given away, where there is enough again.
    pub(super) fn hold_again(&self) {
        let held = &self.held;
        if held.is_released.load(Ordering::Acquire)
            && self
                .available()
                .is_ok_and(|free| free > self.margin + held.bytes)
            && held.hold().is_ok()
        {
            held.is_released.store(false, Ordering::Release);
        }
    }
}

impl Held {
    fn open(path: &Path, bytes: u64) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        let file = options
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)?;
        // Held already where it has that many blocks, and not only that length.
        let is_held = is_held(&file, bytes)?;
        Ok(Self {
            file,
            bytes,
            is_released: AtomicBool::new(!is_held),
        })
    }

    fn hold(&self) -> io::Result<()> {
        let bytes = i64::try_from(self.bytes).map_err(io::Error::other)?;
        fallocate(&self.file, FallocateFlags::empty(), 0, bytes)?;
        Ok(())
    }
}

fn is_held(file: &File, bytes: u64) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt;
    // Of 512 bytes each, whatever the file system's blocks are.
    Ok(file.metadata()?.blocks().saturating_mul(512) >= bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_held_is_given_once_and_taken_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("held");
        let blocks = || is_held(&File::open(&path).unwrap(), 1 << 20).unwrap();
        let space = Space::open(folder.path(), &path).unwrap();
        assert!(blocks());
        assert!(space.release() && !space.release() && !blocks());
        space.hold_again();
        assert!(blocks() && space.release());
        drop(space);
        // Whoever was killed meanwhile: the next start takes it back.
        let again = Space::open(folder.path(), &path).unwrap();
        assert!(blocks() && again.release());
    }

    #[test]
    fn objects_leave_a_margin() {
        let folder = tempfile::tempdir().unwrap();
        let space = Space::open(folder.path(), &folder.path().join("held")).unwrap();
        let free = space.free().unwrap();
        assert!(free < space.available().unwrap());
        assert!(space.admit(1).is_ok());
        let too_much = usize::try_from(free + (1 << 30)).unwrap();
        assert!(matches!(space.admit(too_much), Err(Error::NoSpace)));
    }
}

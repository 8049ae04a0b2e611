//! Disk space of a data folder. Objects leave a margin free, so that rows can still be written. A reserve file holds
//! space that is released for deletions when others have filled the disk.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use nix::fcntl::{FallocateFlags, fallocate};
use nix::sys::statvfs::statvfs;

use crate::Error;

/// Objects leave this fraction of the disk free: one part of so many, within [`MARGIN_RANGE`].
const MARGIN_DIVISOR: u64 = 200;
/// Smallest and largest margin in bytes.
const MARGIN_RANGE: (u64, u64) = (4 << 20, 512 << 20);
/// Divisor of the disk's size that gives the size of the reserve file.
const RESERVE_DIVISOR: u64 = 64;
/// Smallest and largest size in bytes of the reserve file, which is given up on a full disk so that some thousand
/// deletions can still write their rows.
const RESERVE_RANGE: (u64, u64) = (1 << 20, 8 << 20);

/// Disk space of one data folder.
pub(super) struct Space {
    root: PathBuf,
    margin: u64,
    held: Reserve,
}

/// The reserve file.
struct Reserve {
    file: File,
    bytes: u64,
    /// Whether the reserved space is released and not taken back yet.
    is_released: AtomicBool,
}

impl Space {
    /// Measures the disk of the folder `root` and creates the reserve file `held`.
    pub(super) fn open(root: &Path, held: &Path) -> io::Result<Self> {
        let disk = statvfs(root)?;
        let total = disk.blocks().saturating_mul(disk.fragment_size());
        let part = |of: u64, (least, most): (u64, u64)| (total / of).clamp(least, most);
        let space = Self {
            root: root.to_owned(),
            margin: part(MARGIN_DIVISOR, MARGIN_RANGE),
            held: Reserve::open(held, part(RESERVE_DIVISOR, RESERVE_RANGE))?,
        };
        space.hold_again();
        Ok(space)
    }

    fn available(&self) -> io::Result<u64> {
        let disk = statvfs(&self.root)?;
        Ok(disk.blocks_available().saturating_mul(disk.fragment_size()))
    }

    /// Number of bytes of objects that can still be stored.
    pub(super) fn free(&self) -> Result<u64, Error> {
        Ok(self.available()?.saturating_sub(self.margin))
    }

    /// Returns an error if an object of this many bytes may not be stored.
    pub(super) fn admit(&self, bytes: usize) -> Result<(), Error> {
        match self.free()? >= bytes as u64 {
            true => Ok(()),
            false => Err(Error::NoSpace),
        }
    }

    /// Releases the reserved space. Returns whether there was any.
    pub(super) fn release(&self) -> bool {
        let gives = !self.held.is_released.swap(true, Ordering::AcqRel);
        let given = gives && self.held.file.set_len(0).is_ok();
        if given {
            tracing::warn!("the disk is full: a deletion uses the space reserved for deletions");
        }
        given
    }

    /// Takes the released space back if there is enough free space again.
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

impl Reserve {
    fn open(path: &Path, bytes: u64) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        let file = options
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)?;
        // The file must own that many blocks; a sparse file of the right length reserves nothing.
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
    // `blocks` counts units of 512 bytes, whatever the block size of the file system is.
    Ok(file.metadata()?.blocks().saturating_mul(512) >= bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reserved_space_is_released_once_and_taken_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("held");
        let blocks = || is_held(&File::open(&path).unwrap(), 1 << 20).unwrap();
        let space = Space::open(folder.path(), &path).unwrap();
        assert!(blocks());
        assert!(space.release() && !space.release() && !blocks());
        space.hold_again();
        assert!(blocks() && space.release());
        drop(space);
        // A process that was killed in between did not take the space back, so the next start does.
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

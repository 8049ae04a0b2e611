//! The lock on a data folder.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::Path;

use super::OpenError;

/// Lock that is held until it is dropped. The kernel releases it when the process ends in any way.
#[derive(Debug)]
pub(crate) struct FolderLock {
    file: File,
}

impl Drop for FolderLock {
    /// The lock is released explicitly: closing the file would leave it to a child process that was forked a moment
    /// ago and has not closed its copy of the file yet.
    fn drop(&mut self) {
        let _ = self.file.unlock();
    }
}

impl FolderLock {
    /// Takes the lock of `folder`, whose lock file is `path`.
    pub(crate) fn take(folder: &Path, path: &Path) -> Result<Self, OpenError> {
        let failed = |source| OpenError::Folder {
            folder: folder.to_owned(),
            source,
        };
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)
            .map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut pid = String::new();
                // The process id is only for the message; the other process may not have written it yet.
                let _ = file.read_to_string(&mut pid);
                let pid = pid.trim().parse().ok();
                return Err(OpenError::Locked {
                    folder: folder.to_owned(),
                    pid,
                });
            }
            Err(TryLockError::Error(source)) => return Err(failed(source)),
        }
        file.set_len(0)
            .and_then(|()| file.rewind())
            .and_then(|()| writeln!(file, "{}", std::process::id()))
            .map_err(failed)?;
        Ok(Self { file })
    }
}

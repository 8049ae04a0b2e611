//! Atomic files: writes to a folder after which every file is complete or absent, even if the process is killed or
//! the power fails. All functions block.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use nix::errno::Errno;
use nix::fcntl::{AT_FDCWD, RenameFlags, renameat2};
use parking_lot::{Mutex, RwLock};

use crate::Created;

/// Folder whose files appear only when they are complete. One process writes it at a time.
#[derive(Debug)]
pub struct Folder {
    root: PathBuf,
    temporary: PathBuf,
    next: AtomicU64,
    /// Lock that is held while a folder is created and made durable, so that nobody puts a file into a folder that a
    /// power cut could still remove.
    making: Mutex<()>,
    /// Lock that writers of files share, and that removers of empty folders take exclusively.
    folders: RwLock<()>,
}

impl Folder {
    /// Opens `root`. Files are written in `temporary` first, which must be on the same file system and used by this
    /// folder alone. It is emptied here, since its files are the remains of a killed writer.
    pub fn open(root: &Path, temporary: &Path) -> io::Result<Self> {
        fs::create_dir_all(root)?;
        fs::create_dir_all(temporary)?;
        for entry in fs::read_dir(temporary)? {
            fs::remove_file(entry?.path())?;
        }
        Ok(Self {
            root: root.to_owned(),
            temporary: temporary.to_owned(),
            next: AtomicU64::new(0),
            making: Mutex::default(),
            folders: RwLock::default(),
        })
    }

    /// Path of the folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Stores a file, and replaces an existing one.
    pub fn put(&self, path: &str, body: &[u8]) -> io::Result<()> {
        self.write(path, body, |from, to| {
            fs::rename(from, to).map(|()| Created::Yes)
        })
        .map(drop)
    }

    /// Stores a file unless one exists.
    pub fn put_if_absent(&self, path: &str, body: &[u8]) -> io::Result<Created> {
        // This check saves writing a file that would be thrown away. The rename decides.
        if fs::symlink_metadata(self.root.join(path)).is_ok() {
            return Ok(Created::No);
        }
        self.write(path, body, rename_if_absent)
    }

    /// Removes files, and the folders that become empty. Missing files are not an error.
    pub fn remove<'a>(&self, paths: impl IntoIterator<Item = &'a str>) -> io::Result<()> {
        let mut parents = BTreeSet::new();
        for path in paths {
            let target = self.root.join(path);
            match fs::remove_file(&target) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => parents.extend(target.parent().map(Path::to_owned)),
            }
        }
        let _alone = self.folders.write();
        for parent in parents {
            let below_root = parent.ancestors().take_while(|folder| *folder != self.root);
            for folder in below_root {
                // The folder is usually not empty, and then stays.
                if fs::remove_dir(folder).is_err() {
                    break;
                }
            }
        }
        Ok(())
    }

    fn write(
        &self,
        path: &str,
        body: &[u8],
        place: impl Fn(&Path, &Path) -> io::Result<Created>,
    ) -> io::Result<Created> {
        let target = self.root.join(path);
        let parent = target.parent().unwrap_or(&self.root);
        let name = self.next.fetch_add(1, Ordering::Relaxed);
        let temporary = Temporary(self.temporary.join(name.to_string()));
        let mut file = File::create_new(&temporary.0)?;
        file.write_all(body)?;
        file.sync_all()?;
        drop(file);

        let _shared = self.folders.read();
        self.make(parent)?;
        let created = place(&temporary.0, &target)?;
        if created == Created::Yes {
            sync_folder(parent)?;
        }
        Ok(created)
    }

    /// Creates a folder and its parents. Each is durable before the next is created.
    fn make(&self, folder: &Path) -> io::Result<()> {
        let _making = self.making.lock();
        let mut missing: Vec<&Path> = folder.ancestors().take_while(|at| !at.is_dir()).collect();
        while let Some(folder) = missing.pop() {
            match fs::create_dir(folder) {
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
                _ => {}
            }
            if let Some(parent) = folder.parent() {
                sync_folder(parent)?;
            }
        }
        Ok(())
    }
}

/// Temporary file that is removed on drop unless it was renamed.
struct Temporary(PathBuf);

impl Drop for Temporary {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

fn rename_if_absent(from: &Path, to: &Path) -> io::Result<Created> {
    match renameat2(AT_FDCWD, from, AT_FDCWD, to, RenameFlags::RENAME_NOREPLACE) {
        Ok(()) => Ok(Created::Yes),
        Err(Errno::EEXIST) => Ok(Created::No),
        // Old kernels and some network file systems do not know this rename. A hard link does not replace files
        // either.
        Err(Errno::ENOSYS | Errno::EINVAL) => match fs::hard_link(from, to) {
            // The temporary link is removed with its `Temporary`.
            Ok(()) => Ok(Created::Yes),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(Created::No),
            Err(error) => Err(error),
        },
        Err(errno) => Err(errno.into()),
    }
}

fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(at: &Path) -> Folder {
        Folder::open(&at.join("root"), &at.join("tmp")).unwrap()
    }

    #[test]
    fn files_of_a_killed_writer_are_removed_on_open() {
        let at = tempfile::tempdir().unwrap();
        fs::create_dir(at.path().join("tmp")).unwrap();
        fs::write(at.path().join("tmp/17"), b"half").unwrap();
        folder(at.path());
        assert_eq!(fs::read_dir(at.path().join("tmp")).unwrap().count(), 0);
    }

    #[test]
    fn removing_the_last_file_removes_its_folders_but_not_the_root() {
        let at = tempfile::tempdir().unwrap();
        let folder = folder(at.path());
        folder.put("a/b/c", b"1").unwrap();
        folder.put("a/d", b"2").unwrap();
        folder.remove(["a/b/c"]).unwrap();
        assert!(!at.path().join("root/a/b").exists());
        folder.remove(["a/d"]).unwrap();
        assert!(at.path().join("root").is_dir());
        assert!(!at.path().join("root/a").exists());
    }

    #[test]
    fn puts_succeed_while_their_folder_is_removed_and_created() {
        let at = tempfile::tempdir().unwrap();
        let folder = folder(at.path());
        std::thread::scope(|scope| {
            let puts = scope.spawn(|| (0..50).all(|_| folder.put("a/b/c", b"1").is_ok()));
            while !puts.is_finished() {
                folder.remove(["a/b/c"]).unwrap();
            }
            assert!(puts.join().unwrap());
        });
    }
}

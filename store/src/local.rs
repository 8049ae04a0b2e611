//! The embedded stores: files, SQLite and in-process queues, in one folder that one process uses.
//!
//! Begin reading at [`Local::open`]. The modules mirror those of `cluster/`.

pub mod events;
pub mod files;
pub(crate) mod lock;
pub mod metadata;
pub mod objects;
mod space;
pub mod work;

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::key::Layout;
use crate::{Clock, Error, Ids, Jitter, RowsOnly, Stores};
use events::LocalEvents;
use files::Folder;
use lock::FolderLock;
use metadata::SqliteMetadata;
use objects::FileObjects;
use space::Space;
use work::LocalWork;

/// Name of the database file in a data folder.
const DATABASE: &str = "metadata.sqlite";
/// Name of the file that reserves disk space for deletions.
const RESERVE_FILE: &str = "space-for-deletions";

/// Reason why a data folder cannot be opened. Each message says what to do.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process uses the folder; two processes would overwrite each other's files.
    #[error(
        "{} is in use by another process{}: stop that one, or choose another folder",
        folder.display(),
        pid.map(|pid| format!(" (pid {pid})")).unwrap_or_default()
    )]
    Locked {
        /// Path of the data folder.
        folder: PathBuf,
        /// Process id of the other process, if the lock file contains one.
        pid: Option<u32>,
    },
    /// The folder cannot be created or written.
    #[error("cannot use {} as a data folder: {source}", folder.display())]
    Folder {
        /// Path of the data folder.
        folder: PathBuf,
        /// Error of the file system.
        #[source]
        source: std::io::Error,
    },
    /// A newer reelmill has written the database.
    #[error(
        "{} has schema version {found}, and this program knows {known}: use a newer reelmill",
        database.display()
    )]
    TooNew {
        /// Path of the database file.
        database: PathBuf,
        /// Schema version of the database.
        found: i64,
        /// Schema version that this program knows.
        known: i64,
    },
    /// An older reelmill has written the database, and may be using it.
    #[error(
        "{} has schema version {found}, and this program knows {known}: start the server once with this version",
        database.display()
    )]
    TooOld {
        /// Path of the database file.
        database: PathBuf,
        /// Schema version of the database.
        found: i64,
        /// Schema version that this program knows.
        known: i64,
    },
    /// The database cannot be opened.
    #[error("cannot open the database {}: {source}", database.display())]
    Database {
        /// Path of the database file.
        database: PathBuf,
        /// Error of the database.
        #[source]
        source: Error,
    },
}

/// Opener of the embedded stores.
pub struct Local;

impl Local {
    /// Opens the stores in `folder`. The folder is created, accessible only to its owner, if it does not exist; its
    /// lock is held for as long as the stores live; temporary files of a killed writer are removed. With
    /// [`Layout::Store`] objects are in `objects/`; with [`Layout::Presentation`] they are in `folder` itself, and
    /// everything else is in `.reelmill/`. The call blocks for some milliseconds.
    pub fn open(folder: &Path, layout: Layout, clock: Arc<dyn Clock>) -> Result<Stores, OpenError> {
        let failed = |source| OpenError::Folder {
            folder: folder.to_owned(),
            source,
        };
        let private = match layout {
            Layout::Store => folder.to_owned(),
            Layout::Presentation => folder.join(crate::key::PRIVATE),
        };
        if layout == Layout::Presentation {
            std::fs::create_dir_all(folder).map_err(failed)?;
        }
        // Other users of the machine must not read sources and accounts.
        let mut maker = DirBuilder::new();
        let made = maker.recursive(true).mode(0o700).create(&private);
        made.map_err(failed)?;
        let lock = Arc::new(FolderLock::take(folder, &private.join("lock"))?);

        let root = match layout {
            Layout::Store => folder.join("objects"),
            Layout::Presentation => folder.to_owned(),
        };
        let files = Folder::open(&root, &private.join("tmp")).map_err(failed)?;
        let space = Space::open(&private, &private.join(RESERVE_FILE)).map_err(failed)?;
        let space = Arc::new(space);
        let objects = FileObjects::new(files, layout, space.clone(), Arc::clone(&lock));
        let metadata = SqliteMetadata::open(&private.join(DATABASE), space, lock)?;

        Ok(Stores {
            objects: Arc::new(objects),
            metadata: Arc::new(metadata),
            work: Arc::new(LocalWork::new(Arc::clone(&clock))),
            events: Arc::new(LocalEvents::new()),
            ids: Ids::new(Arc::clone(&clock)),
            jitter: Arc::new(Jitter::from_entropy()),
            clock,
        })
    }

    /// Opens the rows of a data folder, which another process may have open: SQLite lets several processes write. A
    /// database of another schema version is refused and not changed. The call blocks for some milliseconds.
    pub fn rows(folder: &Path, clock: Arc<dyn Clock>) -> Result<RowsOnly, OpenError> {
        let metadata = SqliteMetadata::beside(&folder.join(DATABASE))?;
        Ok(RowsOnly::new(metadata, clock))
    }
}

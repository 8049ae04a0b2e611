//! The embedded stores: files, SQLite and in-process queues, in one folder of one process.

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
use crate::{Clock, Error, Ids, Jitter, RowsAlone, Stores};
use events::LocalEvents;
use files::Folder;
use lock::FolderLock;
use metadata::SqliteMetadata;
use objects::FileObjects;
use space::Space;
use work::LocalWork;

/// Name of the database in a data folder.
const DATABASE: &str = "metadata.sqlite";
/// Name of the file that holds space for deletions.
const HELD: &str = "space-for-deletions";

/// Why a data folder cannot be opened; each message says what to do.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Two processes would overwrite each other's work.
    #[error(
        "{} is in use by another process{}: stop that one, or choose another folder",
        folder.display(),
        pid.map(|pid| format!(" (pid {pid})")).unwrap_or_default()
    )]
    Locked {
        /// Which folder.
        folder: PathBuf,
        /// Who has it, if the lock file says.
        pid: Option<u32>,
    },
    /// The folder cannot be made or written.
    #[error("cannot use {} as a data folder: {source}", folder.display())]
    Folder {
        /// Which folder.
        folder: PathBuf,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// A newer reelmill has written it.
    #[error(
        "{} has schema version {found}, and this program knows {known}: use a newer reelmill",
        database.display()
    )]
    TooNew {
        /// Which file.
        database: PathBuf,
        /// Its version.
        found: i64,
        /// Ours.
        known: i64,
    },
    /// An older reelmill has written it, and may be using it.
    #[error(
        "{} has schema version {found}, and this program knows {known}: start the server once with this version",
        database.display()
    )]
    TooOld {
        /// Which file.
        database: PathBuf,
        /// Its version.
        found: i64,
        /// Ours.
        known: i64,
    },
    /// The database cannot be opened.
    #[error("cannot open the database {}: {source}", database.display())]
    Database {
        /// Which file.
        database: PathBuf,
        /// Why not.
        #[source]
        source: Error,
    },
}

/// The embedded stores.
pub struct Local;

impl Local {
    /// Opens the stores in `folder`, which is made for its owner alone if it is not there, takes its lock for
    /// as long as they live, and clears away what a killed writer left. With
    /// [`Layout::Store`] objects lie in `objects/`; with [`Layout::Presentation`] they lie
    /// in `folder` itself, and all else in `.reelmill/`. Blocks for some milliseconds.
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
        // Sources and accounts are nobody else's on this machine.
        let mut maker = DirBuilder::new();
        let made = maker.recursive(true).mode(0o700).create(&private);
        made.map_err(failed)?;
        let lock = Arc::new(FolderLock::take(folder, &private.join("lock"))?);

        let root = match layout {
            Layout::Store => folder.join("objects"),
            Layout::Presentation => folder.to_owned(),
        };
        let files = Folder::open(&root, &private.join("tmp")).map_err(failed)?;
        let space = Space::open(&private, &private.join(HELD)).map_err(failed)?;
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

    /// Opens the rows of a data folder beside the process that has it open, if one has: SQLite
    /// lets several processes write. A database of another version is left alone. Blocks for
    /// some milliseconds.
    pub fn rows(folder: &Path, clock: Arc<dyn Clock>) -> Result<RowsAlone, OpenError> {
        let metadata = SqliteMetadata::beside(&folder.join(DATABASE))?;
        Ok(RowsAlone::new(metadata, clock))
    }
}

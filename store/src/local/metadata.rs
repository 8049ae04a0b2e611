//! Metadata in SQLite. Each module implements one repository.

mod database;
mod event_log;
mod migrations;
mod owners;
mod sign_ins;
mod tokens;
mod tries;
mod uploads;
mod value;
mod videos;
mod views;

use std::path::Path;
use std::sync::Arc;

use super::OpenError;
use super::lock::FolderLock;
use super::space::Space;
use crate::Metadata;
use crate::metadata::{EventLog, Owners, SignIns, Tokens, Tries, Uploads, Videos, Views};
use database::Database;

/// All repositories in one SQLite file.
pub struct SqliteMetadata {
    database: Database,
}

impl SqliteMetadata {
    pub(super) fn open(
        path: &Path,
        space: Arc<Space>,
        lock: Arc<FolderLock>,
    ) -> Result<Self, OpenError> {
        Ok(Self {
            database: Database::open(path, space, lock)?,
        })
    }

    pub(super) fn beside(path: &Path) -> Result<Self, OpenError> {
        Ok(Self {
            database: Database::beside(path)?,
        })
    }
}

impl Metadata for SqliteMetadata {
    fn videos(&self) -> &dyn Videos {
        self
    }
    fn uploads(&self) -> &dyn Uploads {
        self
    }
    fn tries(&self) -> &dyn Tries {
        self
    }
    fn views(&self) -> &dyn Views {
        self
    }
    fn owners(&self) -> &dyn Owners {
        self
    }
    fn tokens(&self) -> &dyn Tokens {
        self
    }
    fn sign_ins(&self) -> &dyn SignIns {
        self
    }
    fn event_log(&self) -> &dyn EventLog {
        self
    }
}

//! The SQLite database: one thread writes, and a few connections read at the same time.

use std::cmp::Ordering;
use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use parking_lot::Mutex;
use rusqlite::{Connection, ErrorCode, OpenFlags, Transaction, TransactionBehavior};
use tokio::sync::{Semaphore, mpsc, oneshot};

use super::migrations;
use crate::Error;
use crate::local::OpenError;
use crate::local::lock::FolderLock;
use crate::local::space::Space;

/// Largest number of writes that wait for the writer. Each costs one `fsync`, so a full queue takes about a second.
/// Further callers wait, which slows uploads down on a slow disk.
const MOST_PENDING_WRITES: usize = 256;

/// Largest number of concurrent reads. A read takes a few pages from the cache, so more would not help on few cores.
const MOST_READERS: usize = 4;

/// Time to wait for the lock of another process. Other processes rarely write: a command that creates a token, or a
/// person with a shell.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// Number of prepared statements that each connection caches. The program has about sixty.
const PREPARED_STATEMENTS: usize = 96;

type Job = Box<dyn FnOnce(&mut Connection) + Send>;

/// Open database.
pub(super) struct Database {
    /// Queue of the writer's thread. `None` only while the database is dropped.
    writes: Option<mpsc::Sender<Job>>,
    writer: Option<JoinHandle<()>>,
    readers: Arc<Readers>,
    /// Disk space that is reserved for deletions. `None` if another process has the folder open and reserves space
    /// for its own deletions.
    space: Option<Arc<Space>>,
}

struct Readers {
    idle: Mutex<Vec<Connection>>,
    permits: Arc<Semaphore>,
}

impl Database {
    /// Opens a database, brings its schema up to date, and keeps `lock` until the last write is done.
    pub(super) fn open(
        path: &Path,
        space: Arc<Space>,
        lock: Arc<FolderLock>,
    ) -> Result<Self, OpenError> {
        let failed = |source: rusqlite::Error| OpenError::Database {
            database: path.to_owned(),
            source: source.into(),
        };
        let mut connection = Connection::open(path).map_err(failed)?;
        prepare(&connection).map_err(failed)?;
        let found = migrations::version(&connection).map_err(failed)?;
        if found > migrations::KNOWN {
            let database = path.to_owned();
            return Err(OpenError::TooNew {
                database,
                found,
                known: migrations::KNOWN,
            });
        }
        migrations::run(&mut connection).map_err(failed)?;
        Self::start(path, connection, Some((space, lock)))
    }

    /// Opens a database that another process may have open, without changing its schema.
    pub(super) fn beside(path: &Path) -> Result<Self, OpenError> {
        let failed = |source: rusqlite::Error| OpenError::Database {
            database: path.to_owned(),
            source: source.into(),
        };
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags).map_err(failed)?;
        prepare(&connection).map_err(failed)?;
        let found = migrations::version(&connection).map_err(failed)?;
        let (database, known) = (path.to_owned(), migrations::KNOWN);
        match found.cmp(&known) {
            Ordering::Equal => Self::start(path, connection, None),
            Ordering::Less => Err(OpenError::TooOld {
                database,
                found,
                known,
            }),
            Ordering::Greater => Err(OpenError::TooNew {
                database,
                found,
                known,
            }),
        }
    }

    fn start(
        path: &Path,
        mut connection: Connection,
        alone: Option<(Arc<Space>, Arc<FolderLock>)>,
    ) -> Result<Self, OpenError> {
        let (space, lock) = alone.unzip();
        let failed = |source: rusqlite::Error| OpenError::Database {
            database: path.to_owned(),
            source: source.into(),
        };
        let idle = (0..MOST_READERS)
            .map(|_| {
                let reader = Connection::open_with_flags(
                    path,
                    OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX,
                )?;
                reader.busy_timeout(BUSY_TIMEOUT)?;
                reader.set_prepared_statement_cache_capacity(PREPARED_STATEMENTS);
                Ok(reader)
            })
            .collect::<Result<Vec<_>, _>>()
            .map_err(failed)?;

        let (writes, mut jobs) = mpsc::channel::<Job>(MOST_PENDING_WRITES);
        let writer = std::thread::Builder::new()
            .name("metadata-writer".into())
            .spawn(move || {
                while let Some(job) = jobs.blocking_recv() {
                    job(&mut connection);
                }
                drop((connection, lock));
            })
            .map_err(|source| OpenError::Folder {
                folder: path.to_owned(),
                source,
            })?;
        Ok(Self {
            writes: Some(writes),
            writer: Some(writer),
            readers: Arc::new(Readers {
                idle: Mutex::new(idle),
                permits: Arc::new(Semaphore::new(MOST_READERS)),
            }),
            space,
        })
    }

    /// Runs `work` in a transaction of its own. The transaction is committed if `work` returns `Ok`, and is durable
    /// when this function returns. It is carried out even if the caller stops waiting.
    pub(super) async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        self.run(|connection| transact(connection, work)).await
    }

    /// Runs `work` like [`Self::write`]. On a full disk it uses the space reserved for deletions; it is meant for
    /// writes that free space or report that there is none.
    pub(super) async fn write_surely<T: Send + 'static>(
        &self,
        work: impl Fn(&Transaction<'_>) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let space = self.space.clone();
        let write = move |connection: &mut Connection| {
            let done = transact(connection, &work);
            let is_given = || space.as_ref().is_some_and(|space| space.release());
            match done {
                Err(Error::NoSpace) if is_given() => transact(connection, &work),
                done => {
                    space.iter().for_each(|space| space.hold_again());
                    done
                }
            }
        };
        self.run(write).await
    }

    /// Runs a job on the writer's thread.
    async fn run<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Connection) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let (done, result) = oneshot::channel();
        let job: Job = Box::new(move |connection| {
            let _ = done.send(job(connection));
        });
        match &self.writes {
            Some(writes) => writes.send(job).await.map_err(|_| stopped())?,
            None => return Err(stopped()),
        }
        result.await.map_err(|_| stopped())?
    }

    /// Runs `work` on a connection that sees all earlier writes.
    pub(super) async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let readers = Arc::clone(&self.readers);
        let permits = Arc::clone(&readers.permits);
        let permit = permits.acquire_owned().await.map_err(Error::unavailable)?;
        tokio::task::spawn_blocking(move || {
            let connection = readers.idle.lock().pop().ok_or_else(stopped)?;
            let done = work(&connection);
            readers.idle.lock().push(connection);
            // The permit is released after the connection is returned, since each permit stands for an idle
            // connection.
            drop(permit);
            done
        })
        .await
        .map_err(Error::unavailable)?
    }
}

/// Waits for pending writes, so that the folder is free afterwards.
impl Drop for Database {
    fn drop(&mut self) {
        drop(self.writes.take());
        if let Some(writer) = self.writer.take() {
            let _ = writer.join();
        }
    }
}

fn transact<T>(
    connection: &mut Connection,
    work: impl FnOnce(&Transaction<'_>) -> Result<T, Error>,
) -> Result<T, Error> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // A transaction that is dropped without a commit is rolled back.
    let value = work(&transaction)?;
    transaction.commit()?;
    Ok(value)
}

/// Sets WAL mode, in which readers never wait for the writer, and synchronous `FULL`, with which a commit survives a
/// power cut and not only a kill.
fn prepare(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.set_prepared_statement_cache_capacity(PREPARED_STATEMENTS);
    connection.pragma_update_and_check(None, "journal_mode", "wal", |_| Ok(()))?;
    connection.pragma_update(None, "synchronous", "full")
}

fn stopped() -> Error {
    Error::unavailable("the database is closed")
}

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        use rusqlite::Error as Sql;
        match &error {
            Sql::QueryReturnedNoRows => Self::NotFound,
            Sql::FromSqlConversionFailure(..)
            | Sql::IntegralValueOutOfRange(..)
            | Sql::InvalidColumnType(..)
            | Sql::ToSqlConversionFailure(_) => Self::corrupt(error.to_string()),
            Sql::SqliteFailure(failure, _) => match failure.code {
                ErrorCode::DiskFull => Self::NoSpace,
                ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase => {
                    Self::corrupt(error.to_string())
                }
                // All constraints of the schema are on names, so a violation means that the row exists already.
                ErrorCode::ConstraintViolation => Self::Conflict,
                _ => Self::unavailable(error),
            },
            _ => Self::unavailable(error),
        }
    }
}

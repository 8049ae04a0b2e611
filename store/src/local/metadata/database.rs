//! One SQLite file: one thread that writes, and a few connections that read beside it.

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

/// Writes that wait for the writer. Each costs one `fsync`, so a full queue is a second
/// or so; then callers wait, which is what slows uploads down on a slow disk.
const WRITES: usize = 256;

/// Reads at once. A read is a few pages out of the cache: more gain nothing on few cores.
const READERS: usize = 4;

/// Hardly anybody else writes: a command that makes a token, a person with a shell.
const BUSY: Duration = Duration::from_secs(5);

/// Statements kept prepared per connection; we have about sixty.
const STATEMENTS: usize = 96;

type Job = Box<dyn FnOnce(&mut Connection) + Send>;

/// An open database.
pub(super) struct Database {
    /// `None` only while being dropped.
    writes: Option<mpsc::Sender<Job>>,
    writer: Option<JoinHandle<()>>,
    readers: Arc<Readers>,
    /// Nothing beside another process: that one holds some for its own deletions.
    space: Option<Arc<Space>>,
}

struct Readers {
    idle: Mutex<Vec<Connection>>,
    permits: Arc<Semaphore>,
}

impl Database {
    /// Opens a database, brings its schema up to date, and keeps `lock` until the last
    /// write is done.
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

    /// Opens a database that another process may have open, as it is.
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
        let idle = (0..READERS)
            .map(|_| {
                let reader = Connection::open_with_flags(
                    path,
                    OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX,
                )?;
                reader.busy_timeout(BUSY)?;
                reader.set_prepared_statement_cache_capacity(STATEMENTS);
                Ok(reader)
            })
            .collect::<Result<Vec<_>, _>>()
            .map_err(failed)?;

        let (writes, mut jobs) = mpsc::channel::<Job>(WRITES);
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
                permits: Arc::new(Semaphore::new(READERS)),
            }),
            space,
        })
    }

    /// Runs `work` in a transaction of its own, which is kept if it returns `Ok` and is
    /// durable when this returns. It happens even if nobody waits for it any more.
    pub(super) async fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        self.run(|connection| transact(connection, work)).await
    }

    /// The same for what makes room, or says that there is none: where the disk is full, it uses what is kept for it.
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

    /// Runs `work` on a connection that sees all that was written before.
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
            // After the connection is back: a permit stands for an idle one.
            drop(permit);
            done
        })
        .await
        .map_err(Error::unavailable)?
    }
}

/// Waits for the writes under way, so that the folder is free afterwards.
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
    // Dropped without a commit, it is rolled back.
    let value = work(&transaction)?;
    transaction.commit()?;
    Ok(value)
}

/// WAL: readers never wait for the writer. `FULL`: a commit survives a power cut, not
/// only a kill.
fn prepare(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(BUSY)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
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
                // Our only constraints are on names: the row is there already.
                ErrorCode::ConstraintViolation => Self::Conflict,
                _ => Self::unavailable(error),
            },
            _ => Self::unavailable(error),
        }
    }
}

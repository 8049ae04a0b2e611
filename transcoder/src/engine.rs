//! Starting an engine process.

use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream as StdUnixStream;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::net::UnixStream;
use tokio::process::{Child, ChildStderr, Command};

/// An engine cannot be started.
#[derive(Debug, thiserror::Error)]
#[error("cannot start {program}: {error}; `reelmill-engine` belongs beside `reelmill`")]
pub struct StartError {
    program: PathBuf,
    #[source]
    error: std::io::Error,
}

/// Where the engine program is.
#[derive(Clone, Debug)]
pub struct Engine {
    program: PathBuf,
}

/// What an engine may say on stderr before the rest is dropped: enough for any real trouble.
const STDERR_BYTES: u64 = 64 << 10;

impl Engine {
    /// The engine at this path.
    pub fn at(program: impl Into<PathBuf>) -> Self {
        Self {
            program: program.into(),
        }
    }

    /// The engine beside the running program.
    ///
    /// # Errors
    /// Where it is not there.
    pub fn beside_current() -> Result<Self, StartError> {
        let program = Path::new("reelmill-engine").to_path_buf();
        let own = match std::env::current_exe() {
            Ok(own) => own,
            Err(error) => return Err(StartError { program, error }),
        };
        // Test programs lie one folder deeper than the programs they test.
        let folders = own.ancestors().skip(1).take(2);
        let found = folders
            .map(|folder| folder.join(&program))
            .find(|path| path.is_file());
        found.map(Self::at).ok_or_else(|| StartError {
            program,
            error: std::io::ErrorKind::NotFound.into(),
        })
    }

    /// Starts a process; the other end of its socket comes with it.
    pub(crate) fn spawn(&self) -> Result<(Child, UnixStream), StartError> {
        self.try_spawn().map_err(|error| StartError {
            program: self.program.clone(),
            error,
        })
    }

    fn try_spawn(&self) -> std::io::Result<(Child, UnixStream)> {
        let (ours, theirs) = StdUnixStream::pair()?;
        ours.set_nonblocking(true)?;
        let mut child = Command::new(&self.program)
            .env_clear()
            .current_dir("/")
            .stdin(Stdio::from(OwnedFd::from(theirs)))
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true)
            .spawn()?;
        if let Some(stderr) = child.stderr.take() {
            tokio::spawn(repeat(stderr));
        }
        Ok((child, UnixStream::from_std(ours)?))
    }
}

/// Repeats what an engine says in our own log.
async fn repeat(stderr: ChildStderr) {
    let mut lines = BufReader::new(stderr.take(STDERR_BYTES)).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        tracing::warn!(target: "engine", "{line}");
    }
}

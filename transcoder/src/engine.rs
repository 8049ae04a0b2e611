//! The engine program: where it lies, and how it is started.

use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::net::UnixStream as Socket;
use tokio_util::task::TaskTracker;

use crate::process::Process;
use crate::sandbox::{Sandbox, Trial};

/// The engine cannot be started.
#[derive(Debug, thiserror::Error)]
#[error("cannot start {program}: {error}; `reelmill-engine` belongs beside `reelmill`")]
pub struct StartError {
    program: PathBuf,
    #[source]
    error: std::io::Error,
}

/// Function that plays an engine's part on a thread of this process.
type EngineBody = dyn Fn(UnixStream) -> ExitStatus + Send + Sync;

/// Way in which engines are started; cheap to clone.
#[derive(Clone)]
pub struct Engine {
    kind: Launcher,
    sandbox: Sandbox,
    sessions: TaskTracker,
    spare: Option<Arc<Spare>>,
}

/// Process that waits for a session, with our end of its socket.
type Started = (Process, Socket);

/// Time from the start of one session to the start of the spare process for the next: the first session needs the
/// cores at once.
const SPARE_AFTER: Duration = Duration::from_secs(1);

/// Process that is started before a session needs it: loading its libraries takes 50 ms, which is most of a small
/// probe. It has read nothing, and takes 9 MiB of its own.
struct Spare(Mutex<Option<Started>>);

impl Spare {
    fn waiting(&self) -> MutexGuard<'_, Option<Started>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the spare process, if it still runs.
    fn take(&self) -> Option<Started> {
        let (mut process, socket) = self.waiting().take()?;
        process.is_running().then_some((process, socket))
    }
}

#[derive(Clone)]
enum Launcher {
    Program(PathBuf),
    Thread(Arc<EngineBody>),
}

impl Engine {
    /// Engine with its program at this path.
    pub fn at(program: impl Into<PathBuf>) -> Self {
        Self::of(Launcher::Program(program.into()))
    }

    fn of(kind: Launcher) -> Self {
        let sessions = TaskTracker::new();
        // A closed tracker can be waited for; sessions may still begin.
        sessions.close();
        let sandbox = Sandbox::default();
        Self {
            kind,
            sandbox,
            sessions,
            spare: None,
        }
    }

    /// The same engine with a spare process, which is started in advance so that the next session need not wait for
    /// it. This must be called inside a Tokio runtime.
    ///
    /// # Errors
    /// An error is returned where the program cannot be started.
    pub fn with_spare(self) -> Result<Self, StartError> {
        let waiting = Mutex::new(Some(self.start()?));
        let spare = Some(Arc::new(Spare(waiting)));
        Ok(Self { spare, ..self })
    }

    /// The same engine with another rule for gaps in its cage.
    #[must_use]
    pub fn sandboxed(self, sandbox: Sandbox) -> Self {
        Self { sandbox, ..self }
    }

    pub(crate) fn sandbox(&self) -> Sandbox {
        self.sandbox
    }

    /// Waits until no session of this engine and its clones is left.
    pub async fn quiet(&self) {
        self.sessions.wait().await;
    }

    pub(crate) fn spawn_driver(&self, driver: impl Future<Output = ()> + Send + 'static) {
        self.sessions.spawn(driver);
    }

    /// Starts an engine that attempts all that its cage must refuse.
    ///
    /// # Errors
    /// An error is returned where the program cannot be started.
    pub async fn trial(&self) -> Result<Trial, StartError> {
        match &self.kind {
            Launcher::Program(program) => Trial::run(program).await.map_err(|error| StartError {
                program: program.clone(),
                error,
            }),
            Launcher::Thread(_) => Ok(Trial::default()),
        }
    }

    /// Engine whose program lies beside the running program.
    ///
    /// # Errors
    /// An error is returned where the program is not there.
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

    /// Engine for simulations: `body` speaks the protocol on a thread of this process. It gets the engine's end of
    /// the socket, and returns the status with which a process would have ended. Killing it closes its socket.
    pub fn in_process(body: impl Fn(UnixStream) -> ExitStatus + Send + Sync + 'static) -> Self {
        Self::of(Launcher::Thread(Arc::new(body)))
    }

    /// Returns a running engine with our end of its socket. The spare process is used where there is one, and
    /// replaced later.
    pub(crate) fn spawn(&self) -> Result<Started, StartError> {
        let Some(spare) = self.spare.clone() else {
            return self.start();
        };
        let waiting = spare.take();
        let engine = self.clone();
        tokio::spawn(async move {
            tokio::time::sleep(SPARE_AFTER).await;
            if spare.waiting().is_none() {
                // Where the start fails now, the next session reports the error.
                *spare.waiting() = engine.start().ok();
            }
        });
        waiting.map_or_else(|| self.start(), Ok)
    }

    /// Starts an engine.
    fn start(&self) -> Result<Started, StartError> {
        let (program, started) = match &self.kind {
            Launcher::Program(program) => (program.clone(), Process::program(program)),
            Launcher::Thread(body) => {
                let body = body.clone();
                let run = move |stream| body(stream);
                (PathBuf::from("an engine thread"), Process::thread(run))
            }
        };
        started.map_err(|error| StartError { program, error })
    }
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.kind {
            Launcher::Program(program) => write!(f, "Engine({})", program.display()),
            Launcher::Thread(_) => f.write_str("Engine(thread)"),
        }
    }
}

//! Where the engine program is.

use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::net::UnixStream as Socket;
use tokio_util::task::TaskTracker;

use crate::process::Process;
use crate::sandbox::{Sandbox, Trial};

/// An engine cannot be started.
#[derive(Debug, thiserror::Error)]
#[error("cannot start {program}: {error}; `reelmill-engine` belongs beside `reelmill`")]
pub struct StartError {
    program: PathBuf,
    #[source]
    error: std::io::Error,
}

/// What plays an engine's part inside this process.
type Body = dyn Fn(UnixStream) -> ExitStatus + Send + Sync;

/// How engines are started; cheap to clone.
#[derive(Clone)]
pub struct Engine {
    kind: Kind,
    sandbox: Sandbox,
    sessions: TaskTracker,
    spare: Option<Arc<Spare>>,
}

/// A process that waits for a session, with its end of the socket.
type Started = (Process, Socket);

/// How long after one session began the process for the next is started: what the first does at once needs the cores.
const SPARE_AFTER: Duration = Duration::from_secs(1);

/// A process that was started before anybody needs it: to load its libraries takes 50 ms, which are most of a small
/// probe. It has read nothing, and holds 9 MiB of its own.
struct Spare(Mutex<Option<Started>>);

impl Spare {
    fn waiting(&self) -> MutexGuard<'_, Option<Started>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The process that waits, if it still runs.
    fn take(&self) -> Option<Started> {
        let (mut process, socket) = self.waiting().take()?;
        process.is_running().then_some((process, socket))
    }
}

#[derive(Clone)]
enum Kind {
    Program(PathBuf),
    Thread(Arc<Body>),
}

impl Engine {
    /// The engine at this path.
    pub fn at(program: impl Into<PathBuf>) -> Self {
        Self::of(Kind::Program(program.into()))
    }

    fn of(kind: Kind) -> Self {
        let sessions = TaskTracker::new();
        // Closed, it can be waited for; sessions may begin all the same.
        sessions.close();
        let sandbox = Sandbox::default();
        Self {
            kind,
            sandbox,
            sessions,
            spare: None,
        }
    }

    /// The same engine, of which one process more than needed runs from now on, so that the next session need not wait
    /// for it. To be called where a Tokio runtime is.
    ///
    /// # Errors
    /// Where the program cannot be started.
    pub fn with_spare(self) -> Result<Self, StartError> {
        let waiting = Mutex::new(Some(self.start()?));
        let spare = Some(Arc::new(Spare(waiting)));
        Ok(Self { spare, ..self })
    }

    /// The same engine, of which a cage without a gap is required or preferred.
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

    pub(crate) fn drive(&self, driver: impl Future<Output = ()> + Send + 'static) {
        self.sessions.spawn(driver);
    }

    /// Has an engine try what it must not be able to do.
    ///
    /// # Errors
    /// Where the program cannot be started.
    pub async fn trial(&self) -> Result<Trial, StartError> {
        match &self.kind {
            Kind::Program(program) => Trial::run(program).await.map_err(|error| StartError {
                program: program.clone(),
                error,
            }),
            Kind::Thread(_) => Ok(Trial::default()),
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

    /// Something that speaks the protocol on a thread of this process, for simulations: it is
    /// given the engine's end of the socket, and returns how a process would have ended.
    /// To kill it is to close its socket.
    pub fn in_process(body: impl Fn(UnixStream) -> ExitStatus + Send + Sync + 'static) -> Self {
        Self::of(Kind::Thread(Arc::new(body)))
    }

    /// One that runs, with our end of its socket: the spare one where there is one, which another takes the place of.
    pub(crate) fn spawn(&self) -> Result<Started, StartError> {
        let Some(spare) = self.spare.clone() else {
            return self.start();
        };
        let waiting = spare.take();
        let engine = self.clone();
        tokio::spawn(async move {
            tokio::time::sleep(SPARE_AFTER).await;
            if spare.waiting().is_none() {
                // Where it cannot be started now, the next session says why.
                *spare.waiting() = engine.start().ok();
            }
        });
        waiting.map_or_else(|| self.start(), Ok)
    }

    /// Starts one.
    fn start(&self) -> Result<Started, StartError> {
        let (program, started) = match &self.kind {
            Kind::Program(program) => (program.clone(), Process::program(program)),
            Kind::Thread(body) => {
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
            Kind::Program(program) => write!(f, "Engine({})", program.display()),
            Kind::Thread(_) => f.write_str("Engine(thread)"),
        }
    }
}

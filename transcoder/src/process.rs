//! An engine process: it is started, killed, and waited for.

use std::net::Shutdown;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream as StdUnixStream;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::net::UnixStream;
use tokio::process::{Child, ChildStderr, Command};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::end::End;

/// Most bytes of an engine's stderr that are logged before the rest is dropped: enough for any real trouble.
const STDERR_BYTES: u64 = 64 << 10;
/// Longest time from the moment an engine hangs up to its end, before it is killed: it has nothing left to do.
const GRACE: Duration = Duration::from_secs(5);

/// Settings of glibc that keep freed memory. Every segment has a fresh encoder of the same size as the one before;
/// otherwise the kernel would clear 200 MB of pages each time.
const MEMORY_KEPT: [(&str, &str); 3] = [
    ("MALLOC_MMAP_THRESHOLD_", "33554432"),
    ("MALLOC_TRIM_THRESHOLD_", "1073741824"),
    ("MALLOC_ARENA_MAX", "1"),
];

/// Running engine.
pub(crate) enum Process {
    /// Process of its own, with the task that logs its stderr and returns whether the engine ran out of memory.
    Child(Child, Option<JoinHandle<bool>>),
    /// Thread of this process, for simulations.
    Thread {
        ended: oneshot::Receiver<ExitStatus>,
        socket: StdUnixStream,
    },
}

impl Process {
    pub(crate) fn program(program: &Path) -> std::io::Result<(Self, UnixStream)> {
        let (ours, theirs) = StdUnixStream::pair()?;
        ours.set_nonblocking(true)?;
        let ours = UnixStream::from_std(ours)?;
        let mut child = isolate(&mut Command::new(program))
            .stdin(Stdio::from(OwnedFd::from(theirs)))
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()?;
        let logging = child
            .stderr
            .take()
            .map(|stderr| tokio::spawn(log_stderr(stderr)));
        Ok((Self::Child(child, logging), ours))
    }

    pub(crate) fn thread(
        body: impl FnOnce(StdUnixStream) -> ExitStatus + Send + 'static,
    ) -> std::io::Result<(Self, UnixStream)> {
        let (ours, theirs) = StdUnixStream::pair()?;
        let socket = ours.try_clone()?;
        ours.set_nonblocking(true)?;
        let ours = UnixStream::from_std(ours)?;
        let (sender, ended) = oneshot::channel();
        std::thread::Builder::new()
            .name("engine".into())
            .spawn(move || {
                // The receiver may be gone.
                let _ = sender.send(body(theirs));
            })?;
        Ok((Self::Thread { ended, socket }, ours))
    }

    /// Number of threads of the engine; none where it is unknown.
    pub(crate) fn threads(&self) -> Option<u32> {
        let Self::Child(child, _) = self else {
            return None;
        };
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", child.id()?)).ok()?;
        // The name of the program, in brackets, may hold any characters (proc_pid_stat(5)).
        let (_, fields) = stat.rsplit_once(')')?;
        fields.split_whitespace().nth(17)?.parse().ok()
    }

    /// Whether the engine has not ended.
    pub(crate) fn is_running(&mut self) -> bool {
        match self {
            Self::Child(child, _) => matches!(child.try_wait(), Ok(None)),
            Self::Thread { ended, .. } => ended.is_empty(),
        }
    }

    /// Kills the engine at once, if it still runs.
    pub(crate) async fn kill(&mut self) {
        match self {
            Self::Child(child, _) => {
                let _ = child.start_kill();
                let _ = child.wait().await;
            }
            Self::Thread { socket, .. } => {
                let _ = socket.shutdown(Shutdown::Both);
            }
        }
    }

    /// Waits for the end of an engine that hung up, and returns the reason for it.
    pub(crate) async fn wait_for_end(&mut self) -> End {
        match tokio::time::timeout(GRACE, self.wait()).await {
            Ok(Ok((status, out_of_memory))) => End::of(status, out_of_memory),
            Ok(Err(error)) => End::fault(plan::Code::Internal, error.to_string()),
            Err(_) => {
                self.kill().await;
                End::fault(plan::Code::EngineTimeout, "the engine hung at its end")
            }
        }
    }

    async fn wait(&mut self) -> std::io::Result<(ExitStatus, bool)> {
        match self {
            Self::Child(child, logging) => {
                let status = child.wait().await?;
                let out_of_memory = match logging.take() {
                    Some(logging) => logging.await.unwrap_or(false),
                    None => false,
                };
                Ok((status, out_of_memory))
            }
            Self::Thread { ended, .. } => {
                let status = ended.await.map_err(std::io::Error::other)?;
                Ok((status, false))
            }
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if let Self::Thread { socket, .. } = self {
            // The thread may have ended already.
            let _ = socket.shutdown(Shutdown::Both);
        }
    }
}

/// Prepares a command to run without our environment, folder and terminal.
pub(crate) fn isolate(command: &mut Command) -> &mut Command {
    command
        .env_clear()
        .envs(MEMORY_KEPT)
        .current_dir("/")
        // Ctrl-C at our terminal must not reach engines: they end when we tell them.
        .process_group(0)
        .kill_on_drop(true)
}

/// Repeats an engine's stderr in our own log; returns whether the engine ran out of memory. Lines past the limit are
/// read and dropped, since a full pipe would stop the engine.
async fn log_stderr(mut stderr: ChildStderr) -> bool {
    let mut out_of_memory = false;
    let mut lines = BufReader::new((&mut stderr).take(STDERR_BYTES)).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        out_of_memory |= line.contains("memory allocation of");
        tracing::warn!(target: "engine", "{line}");
    }
    drop(lines);
    let _ = tokio::io::copy(&mut stderr, &mut tokio::io::sink()).await;
    out_of_memory
}

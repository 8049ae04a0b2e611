//! An engine process: started, killed, waited for.

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

/// What an engine may say on stderr before the rest is dropped: enough for any real trouble.
const STDERR_BYTES: u64 = 64 << 10;
/// An engine that hung up ends within this, or is killed: it has nothing left to do.
const GRACE: Duration = Duration::from_secs(5);

/// Every segment has a fresh encoder of the same size as the one before: glibc keeps the memory
/// between them instead of having the kernel clear 200 MB of pages each time.
const MEMORY_KEPT: [(&str, &str); 3] = [
    ("MALLOC_MMAP_THRESHOLD_", "33554432"),
    ("MALLOC_TRIM_THRESHOLD_", "1073741824"),
    ("MALLOC_ARENA_MAX", "1"),
];

/// A running engine.
pub(crate) enum Process {
    /// A process of its own; whether it said that it has no memory left.
    Child(Child, Option<JoinHandle<bool>>),
    /// A thread of this one.
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
        let mut child = quiet(&mut Command::new(program))
            .stdin(Stdio::from(OwnedFd::from(theirs)))
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()?;
        let talk = child
            .stderr
            .take()
            .map(|stderr| tokio::spawn(repeat(stderr)));
        Ok((Self::Child(child, talk), ours))
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
                // Nobody may be interested any more.
                let _ = sender.send(body(theirs));
            })?;
        Ok((Self::Thread { ended, socket }, ours))
    }

    /// How many threads it has; nothing where nobody can tell.
    pub(crate) fn threads(&self) -> Option<u32> {
        let Self::Child(child, _) = self else {
            return None;
        };
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", child.id()?)).ok()?;
        // The name of the program, in brackets, may hold anything (proc_pid_stat(5)).
        let (_, fields) = stat.rsplit_once(')')?;
        fields.split_whitespace().nth(17)?.parse().ok()
    }

    /// Whether it has not ended.
    pub(crate) fn is_running(&mut self) -> bool {
        match self {
            Self::Child(child, _) => matches!(child.try_wait(), Ok(None)),
            Self::Thread { ended, .. } => ended.is_empty(),
        }
    }

    /// Ends it at once; already gone is as good.
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

    /// Why an engine that hung up has ended.
    pub(crate) async fn autopsy(&mut self) -> End {
        match tokio::time::timeout(GRACE, self.wait()).await {
            Ok(Ok((status, out_of_memory))) => End::of(status, out_of_memory),
            Ok(Err(error)) => End::fault(plan::Code::Internal, error.to_string()),
            Err(_) => {
                self.kill().await;
                End::fault(plan::Code::EngineTimeout, "the engine hung while it ended")
            }
        }
    }

    async fn wait(&mut self) -> std::io::Result<(ExitStatus, bool)> {
        match self {
            Self::Child(child, talk) => {
                let status = child.wait().await?;
                let out_of_memory = match talk.take() {
                    Some(talk) => talk.await.unwrap_or(false),
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
            // A thread that is gone does not mind.
            let _ = socket.shutdown(Shutdown::Both);
        }
    }
}

/// Without anything of ours: no environment, no folder, no terminal.
pub(crate) fn quiet(command: &mut Command) -> &mut Command {
    command
        .env_clear()
        .envs(MEMORY_KEPT)
        .current_dir("/")
        // Ctrl-C at our terminal is not for engines: they end when we say so.
        .process_group(0)
        .kill_on_drop(true)
}

/// Repeats what an engine says in our own log; says whether it had no memory left. What it
/// says past a bound is read and dropped: a full pipe would stop it.
async fn repeat(mut stderr: ChildStderr) -> bool {
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

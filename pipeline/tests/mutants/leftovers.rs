//! Leftovers: what a run must not leave behind, and the folder in which a run works.

use std::path::Path;
use std::time::Duration;

use nix::sys::statvfs::statvfs;
use tempfile::TempDir;

/// How long an engine or a task may take to end.
const GRACE: Duration = Duration::from_secs(5);

/// Bytes that a run may need at once: some uploads, everything that is made of them, and the rows.
const ROOM: u64 = 512 << 20;

/// The folder of a run. It is in memory where there is room (a container has 64 MiB by default), since ten thousand
/// uploads would wear out a disk.
pub fn folder() -> TempDir {
    let memory = Path::new("/dev/shm");
    let room = statvfs(memory).map_or(0, |s| s.blocks_available() * s.fragment_size());
    let made = match room > ROOM {
        true => tempfile::tempdir_in(memory),
        false => tempfile::tempdir(),
    };
    made.unwrap()
}

/// Keeps a mutant in a file for a person to look at.
pub fn keep(seed: u64, number: u64, bytes: &[u8]) {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("mutants");
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join(format!("{seed}-{number}"));
    std::fs::write(&path, bytes).unwrap();
    eprintln!("kept as {}", path.display());
}

/// Files below a data folder that belong to a video: objects, and unfinished objects.
pub fn files(data: &Path) -> Vec<String> {
    let mut folders = vec![data.join("objects"), data.join("tmp")];
    let mut found = Vec::new();
    while let Some(folder) = folders.pop() {
        let Ok(entries) = std::fs::read_dir(&folder) else {
            continue;
        };
        for path in entries.map(|entry| entry.unwrap().path()) {
            match path.is_dir() {
                true => folders.push(path),
                false => found.push(path.display().to_string()),
            }
        }
    }
    found
}

/// Processes that this process has started and that have not ended.
pub async fn children() -> Vec<String> {
    in_the_end(engines).await
}

/// Files that this process has open and had not open before. Sockets and event queues belong to the runtime, and are
/// left out.
pub async fn open_files(before: &[String]) -> Vec<String> {
    in_the_end(|| {
        let mut files = files_open();
        files.retain(|file| !before.contains(file));
        files
    })
    .await
}

/// What is still left after the time that engines and tasks have to end.
async fn in_the_end(left: impl Fn() -> Vec<String>) -> Vec<String> {
    let until = tokio::time::Instant::now() + GRACE;
    loop {
        let left = left();
        if left.is_empty() || tokio::time::Instant::now() > until {
            return left;
        }
        tokio::time::sleep(GRACE / 50).await;
    }
}

fn engines() -> Vec<String> {
    let own = std::process::id().to_string();
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    let stats =
        processes.filter_map(|entry| std::fs::read_to_string(entry.path().join("stat")).ok());
    let is_child = |stat: &String| {
        let after_name = stat.rsplit(')').next().unwrap_or_default();
        after_name.split_whitespace().nth(1) == Some(&own)
    };
    stats.filter(is_child).collect()
}

/// Files that this process has open.
pub fn files_open() -> Vec<String> {
    let entries = std::fs::read_dir("/proc/self/fd").unwrap().flatten();
    let targets = entries.filter_map(|entry| std::fs::read_link(entry.path()).ok());
    let files = targets.filter(|path| path.is_file());
    files.map(|path| path.display().to_string()).collect()
}

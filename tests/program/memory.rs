//! A ladder of 1080p in little memory: slower, never killed.

use std::path::Path;
use std::process::{Child, Command, ExitStatus};
use std::time::Duration;

/// For everything: the program and its engines.
const MEMORY: u64 = 512 << 20;

/// The resident memory of a process, in bytes.
struct Resident {
    /// Its own, and what it shares with nobody's file.
    own: u64,
    /// Pages of its program and libraries, which all processes of one program share.
    of_files: u64,
}

/// Reads the resident memory of a process; nothing where it has ended.
fn resident(process: &str) -> Option<Resident> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let bytes = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        let kibibytes: u64 = line.trim().trim_end_matches(" kB").parse().ok()?;
        Some(kibibytes << 10)
    };
    Some(Resident {
        own: bytes("RssAnon:")? + bytes("RssShmem:")?,
        of_files: bytes("RssFile:")?,
    })
}

/// The resident memory of a process and its children together; files of the children are counted once.
fn together(process: u32) -> u64 {
    let own = process.to_string();
    let children = std::fs::read_dir(format!("/proc/{own}/task"))
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|thread| std::fs::read_to_string(thread.path().join("children")).ok())
        .collect::<String>();
    let engines: Vec<Resident> = children.split_whitespace().filter_map(resident).collect();
    let files = engines.iter().map(|engine| engine.of_files).max();
    let own = resident(&own).map_or(0, |own| own.own + own.of_files);
    own + engines.iter().map(|engine| engine.own).sum::<u64>() + files.unwrap_or(0)
}

/// The most that it and its engines had at a time, looked at every few milliseconds.
fn peak(mut program: Child) -> (u64, ExitStatus) {
    let mut peak = 0;
    loop {
        peak = peak.max(together(program.id()));
        match program.try_wait().unwrap() {
            None => std::thread::sleep(Duration::from_millis(5)),
            Some(ended) => return (peak, ended),
        }
    }
}

fn sample(path: &Path) {
    let picture = "testsrc2=s=1920x1080:r=30:d=4,noise=alls=20:allf=t";
    let made = Command::new("ffmpeg")
        .args(["-v", "error", "-f", "lavfi", "-i", picture])
        .args([
            "-c:v",
            "libx264",
            "-preset",
            "ultrafast",
            "-pix_fmt",
            "yuv420p",
        ])
        .arg(path)
        .status()
        .unwrap();
    assert!(made.success());
}

#[test]
fn a_ladder_of_1080p_is_made_in_512_mebibytes() {
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join("source.mp4");
    sample(&source);
    let output = folder.path().join("output");
    let program = Command::new(env!("CARGO_BIN_EXE_reelmill"))
        // All five rungs, whatever they turn out to be worth.
        .args(["transcode", "--memory", "512MiB", "--per-title", "false"])
        .args([&source, &output])
        .spawn()
        .unwrap();
    let (peak, ended) = peak(program);
    println!("{} MiB at most", peak >> 20);
    assert!(ended.success(), "{ended:?}");
    assert!(peak > 100 << 20, "engines were looked at");
    assert!(peak <= MEMORY, "{} MiB", peak >> 20);
    let master = std::fs::read_to_string(output.join("master.m3u8")).unwrap();
    let rungs = master.matches("#EXT-X-STREAM-INF").count();
    assert!(rungs >= 5, "{master}");
}

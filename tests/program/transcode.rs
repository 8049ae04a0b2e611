//! `reelmill transcode` and `reelmill probe`, as a user runs them.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn reelmill(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_reelmill"))
        .args(arguments)
        .output()
        .unwrap()
}

fn sample(folder: &Path, seconds: u32) -> PathBuf {
    let path = folder.join("sample.mkv");
    let picture = format!("testsrc2=s=640x360:r=25:d={seconds}");
    let sound = format!("sine=440:d={seconds}:r=44100");
    let made = Command::new("ffmpeg")
        .args([
            "-v", "error", "-y", "-f", "lavfi", "-i", &picture, "-f", "lavfi", "-i", &sound,
        ])
        .args([
            "-c:v",
            "libx264",
            "-preset",
            "ultrafast",
            "-g",
            "50",
            "-c:a",
            "aac",
        ])
        .arg(&path)
        .status()
        .unwrap();
    assert!(made.success());
    path
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// Every media file of a presentation with its bytes.
fn media(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut files = Vec::new();
    for rendition in std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
    {
        let hidden = rendition
            .file_name()
            .is_some_and(|name| name == ".reelmill");
        if rendition.is_dir() && !hidden {
            for file in std::fs::read_dir(rendition).unwrap() {
                let path = file.unwrap().path();
                files.push((
                    path.strip_prefix(folder).unwrap().to_owned(),
                    std::fs::read(&path).unwrap(),
                ));
            }
        }
    }
    files.sort();
    files
}

#[test]
fn a_killed_transcode_goes_on_and_ends_with_the_same_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let source = sample(folder.path(), 12);
    let (whole, killed) = (folder.path().join("whole"), folder.path().join("killed"));
    let done = reelmill(&["transcode", text(&source), text(&whole), "--json"]);
    assert!(
        done.status.success(),
        "{}",
        String::from_utf8_lossy(&done.stderr)
    );
    let summary: serde_json::Value = serde_json::from_slice(&done.stdout).unwrap();
    assert_eq!(summary["state"], "ready");

    let mut running = Command::new(env!("CARGO_BIN_EXE_reelmill"))
        .args(["transcode", text(&source), text(&killed)])
        .spawn()
        .unwrap();
    // Killed when some segments are there, which the work itself decides.
    while !killed.is_dir() || media(&killed).len() < 6 {
        assert!(
            running.try_wait().unwrap().is_none(),
            "it ended before it could be killed"
        );
        std::thread::yield_now();
    }
    running.kill().unwrap();
    running.wait().unwrap();
    assert!(
        !killed.join("master.m3u8").exists(),
        "a half-made folder lists nothing"
    );
    let again = reelmill(&["transcode", text(&source), text(&killed)]);
    assert!(
        again.status.success(),
        "{}",
        String::from_utf8_lossy(&again.stderr)
    );
    assert!(
        media(&whole) == media(&killed),
        "the same segments, byte for byte"
    );
    assert!(killed.join("master.m3u8").exists() && killed.join("poster.webp").exists());
}

#[test]
fn another_policy_does_not_mix_into_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    let source = sample(folder.path(), 2);
    let output = folder.path().join("out");
    assert!(
        reelmill(&["transcode", text(&source), text(&output)])
            .status
            .success()
    );
    let other = [
        "transcode",
        text(&source),
        text(&output),
        "--policy",
        "balanced",
    ];
    assert_eq!(reelmill(&other).status.code(), Some(3));
    assert!(
        reelmill(&[&other[..], &["--force"]].concat())
            .status
            .success()
    );
}

#[test]
fn bad_input_ends_with_its_code() {
    let folder = tempfile::tempdir().unwrap();
    let output = folder.path().join("out");
    let code = |input: &Path| {
        let done = reelmill(&["transcode", text(input), text(&output), "--json", "--force"]);
        assert!(!done.status.success());
        let summary: serde_json::Value = serde_json::from_slice(&done.stdout).unwrap();
        summary["error"]["code"].as_str().unwrap().to_owned()
    };
    let not_media = folder.path().join("text.mp4");
    std::fs::write(&not_media, "a text").unwrap();
    let empty = folder.path().join("empty.mp4");
    std::fs::write(&empty, "").unwrap();
    let cut = folder.path().join("cut.mp4");
    let whole = folder.path().join("whole.mp4");
    let remuxed = Command::new("ffmpeg")
        .args([
            "-v",
            "error",
            "-i",
            text(&sample(folder.path(), 4)),
            "-c",
            "copy",
            text(&whole),
        ])
        .status()
        .unwrap();
    assert!(remuxed.success());
    let bytes = std::fs::read(&whole).unwrap();
    std::fs::write(&cut, &bytes[..bytes.len() / 2]).unwrap();
    assert_eq!(code(&not_media), "not_media");
    assert_eq!(code(&empty), "not_media");
    assert_eq!(code(&cut), "truncated");
    assert_eq!(code(folder.path()), "source_unreachable");
    assert_eq!(
        code(&folder.path().join("nowhere.mp4")),
        "source_unreachable"
    );
}

#[test]
fn a_probe_prints_json() {
    let folder = tempfile::tempdir().unwrap();
    let done = reelmill(&["probe", "--plan", text(&sample(folder.path(), 3))]);
    let plan: serde_json::Value = serde_json::from_slice(&done.stdout).unwrap();
    assert_eq!(plan["video"][0]["rung"], 360);
    assert_eq!(plan["timeline"]["rate"]["num"], 25);
}

#[test]
fn text_tracks_are_a_part_of_the_presentation() {
    let folder = tempfile::tempdir().unwrap();
    let words = folder.path().join("words.srt");
    std::fs::write(&words, "1\n00:00:01,000 --> 00:00:02,000\nGood evening\n").unwrap();
    let source = folder.path().join("subtitled.mkv");
    let made = Command::new("ffmpeg")
        .args([
            "-v",
            "error",
            "-i",
            text(&sample(folder.path(), 3)),
            "-i",
            text(&words),
        ])
        .args([
            "-c",
            "copy",
            "-c:s",
            "srt",
            "-metadata:s:s:0",
            "language=eng",
        ])
        .arg(&source)
        .status();
    assert!(made.unwrap().success());
    let output = folder.path().join("out");
    let done = reelmill(&["transcode", text(&source), text(&output)]);
    assert!(
        done.status.success(),
        "{}",
        String::from_utf8_lossy(&done.stderr)
    );
    let master = std::fs::read_to_string(output.join("master.m3u8")).unwrap();
    let line = master
        .lines()
        .find(|line| line.contains("TYPE=SUBTITLES"))
        .unwrap();
    let (_, uri) = line.split_once("URI=\"").unwrap();
    let rendition = output.join(uri.split_once('/').unwrap().0);
    for file in ["0.vtt", "all.vtt"] {
        let said = std::fs::read_to_string(rendition.join(file)).unwrap();
        // Sound starts a little before picture in this source, and so does the presentation.
        assert!(
            said.contains("00:00:01.0") && said.contains("\nGood evening\n"),
            "{said}"
        );
    }
    let mpd = std::fs::read_to_string(output.join("manifest.mpd")).unwrap();
    assert!(mpd.contains("/all.vtt</BaseURL>"));
}

/// A still picture in fields: nothing is known of it until its rungs are made.
#[test]
fn rungs_that_are_left_out_leave_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let (source, output) = (folder.path().join("fields.mp4"), folder.path().join("out"));
    let picture = "testsrc=s=1280x720:r=25:d=1,trim=end_frame=1,loop=75:1,setfield=tff";
    let made = Command::new("ffmpeg")
        .args(["-v", "error", "-f", "lavfi", "-i", picture, "-t", "2"])
        .args([
            "-c:v",
            "libx264",
            "-preset",
            "ultrafast",
            "-pix_fmt",
            "yuv420p",
        ])
        .args(["-flags", "+ildct+ilme", "-x264-params", "tff=1"])
        .arg(&source)
        .status();
    assert!(made.unwrap().success());
    let done = reelmill(&["transcode", text(&source), text(&output)]);
    assert!(
        done.status.success(),
        "{}",
        String::from_utf8_lossy(&done.stderr)
    );
    let master = std::fs::read_to_string(output.join("master.m3u8")).unwrap();
    let uris = master.lines().filter(|line| line.starts_with('v'));
    let listed: BTreeSet<&str> = uris.filter_map(|uri| uri.split('/').next()).collect();
    let files = media(&output);
    let folders = files.iter().filter_map(|(path, _)| path.parent()?.to_str());
    let rungs: BTreeSet<&str> = folders.filter(|name| name.starts_with('v')).collect();
    assert_eq!(rungs, listed);
    assert_eq!(rungs.len(), 2, "{rungs:?}");
}

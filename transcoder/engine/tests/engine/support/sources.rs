//! Sources made with the `ffmpeg` program, small and different where it matters.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Makes a source once per test run; `arguments` are those of `ffmpeg` before the file name.
pub fn made(folder: &Path, name: &str, arguments: &str) -> PathBuf {
    let path = folder.join(name);
    let status = Command::new("ffmpeg")
        .args(["-v", "error", "-y", "-threads", "1"])
        .args(arguments.split_whitespace())
        .arg(&path)
        .status()
        .expect("ffmpeg is installed");
    assert!(status.success(), "ffmpeg made no {name}");
    path
}

/// Standard output of the `ffmpeg` program.
pub fn ffmpeg(arguments: &[&str]) -> Vec<u8> {
    let output = Command::new("ffmpeg")
        .args(["-v", "error"])
        .args(arguments)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    output.stdout
}

/// Moving pictures with detail and a counter in their brightness, and a tone with noise.
pub const PICTURE: &str = "-f lavfi -i testsrc2=s=640x360:r=RATE:d=SECONDS";
pub const SOUND: &str =
    "-f lavfi -i aevalsrc=0.2*sin(2*PI*440*t)+0.05*random(0)|0.2*sin(2*PI*660*t):s=HERTZ:d=SECONDS";

pub fn picture(rate: &str, seconds: &str) -> String {
    PICTURE.replace("RATE", rate).replace("SECONDS", seconds)
}

pub fn sound(hertz: &str, seconds: &str) -> String {
    SOUND.replace("HERTZ", hertz).replace("SECONDS", seconds)
}

//! Times of flashes and beeps.

use std::path::Path;
use std::process::Command;

use super::sources::ffmpeg;

/// Samples per second with which loudness is measured.
pub const RATE: usize = 8000;

/// Brightness of each picture, from 0 to 1.
pub fn brightness(path: &Path) -> Vec<f64> {
    let filters = [
        "-vf",
        "scale=1:1:flags=area,format=gray",
        "-vsync",
        "passthrough",
    ];
    let bytes = decoded(path, &[&filters[..], &["-f", "rawvideo"]].concat());
    bytes
        .iter()
        .map(|&level| f64::from(level) / 255.0)
        .collect()
}

/// Loudness at each sample, held for a period of the tone.
pub fn loudness(path: &Path) -> Vec<f64> {
    let rate = RATE.to_string();
    let bytes = decoded(path, &["-ac", "1", "-ar", &rate, "-f", "f32le"]);
    let samples = bytes
        .chunks_exact(4)
        .map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]));
    let samples: Vec<f64> = samples.map(|sample| f64::from(sample.abs())).collect();
    let period = RATE / 1000;
    let held = |at: usize| {
        samples[at..(at + period).min(samples.len())]
            .iter()
            .copied()
    };
    (0..samples.len())
        .map(|at| held(at).fold(0.0, f64::max))
        .collect()
}

/// Times in seconds at which FFmpeg's reader shows each picture, or plays each frame of sound (`v` or `a`).
pub fn times(path: &Path, stream: &str) -> Vec<f64> {
    let output = Command::new("ffprobe")
        .args([
            "-v",
            "error",
            "-select_streams",
            stream,
            "-show_entries",
            "frame=pts_time",
        ])
        .args(["-of", "csv=p=0"])
        .arg(path)
        .output()
        .unwrap();
    assert!(output.status.success());
    let text = String::from_utf8(output.stdout).unwrap();
    // The line of a picture with side data ends with an empty column.
    let lines = text.lines().map(|line| line.trim_end_matches(','));
    let times = lines.filter(|line| !line.is_empty());
    let times = times.map(|time| time.parse().unwrap());
    times.collect()
}

fn decoded(path: &Path, arguments: &[&str]) -> Vec<u8> {
    let input = ["-i", path.to_str().unwrap()];
    ffmpeg(&[&input[..], arguments, &["-"]].concat())
}

/// Times in seconds at which levels rise above a quarter after half a second below it.
pub fn starts(levels: &[f64], rate: f64) -> Vec<f64> {
    let quiet = (rate / 2.0) as usize;
    let is_loud = |level: &f64| *level >= 0.25;
    let rises = (1..levels.len()).filter(|&at| {
        let before = &levels[at.saturating_sub(quiet)..at];
        is_loud(&levels[at]) && !before.iter().any(is_loud)
    });
    rises.map(|at| at as f64 / rate).collect()
}

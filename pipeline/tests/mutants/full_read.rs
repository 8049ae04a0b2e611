//! A comparison of what a plan says of a source with a read of all packets by another program.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use plan::Plan;

/// Difference in seconds that two lengths may have.
const APART: f64 = 0.5;

/// Describes what a plan without notes has wrong; `None` if it is right, or if the other program cannot read the
/// source.
pub fn contradiction(path: &Path, plan: &Plan) -> Option<String> {
    let video = plan.info.video.as_ref().map(|video| video.stream);
    let sounds = plan.info.audio.iter().map(|audio| audio.stream);
    let shown: Vec<u32> = video.into_iter().chain(sounds).collect();
    let entries = "packet=stream_index,pts_time,dts_time,duration_time,flags";
    let mut span: Option<(f64, f64)> = None;
    for packet in lines(path, &["-show_entries", entries]) {
        let fields: Vec<&str> = packet.split(',').collect();
        let [stream, shown_at, decoded_at, lasts, flags, ..] = fields[..] else {
            continue;
        };
        let is_shown =
            stream.parse().is_ok_and(|stream| shown.contains(&stream)) && !flags.contains('D');
        let at: Option<f64> = shown_at.parse().or_else(|_| decoded_at.parse()).ok();
        if let Some(at) = at.filter(|_| is_shown) {
            let end = at + lasts.parse().unwrap_or(0.0);
            let (first, last) = span.unwrap_or((at, end));
            span = Some((first.min(at), last.max(end)));
        }
    }
    let (first, last) = span?;
    let planned = plan.timeline.duration_us() as f64 / 1e6;
    if (planned - (last - first)).abs() > APART {
        return Some(format!(
            "it lasts {planned:.2} s, its packets {:.2} s",
            last - first
        ));
    }
    for audio in &plan.info.audio {
        let mut counts: BTreeMap<u32, usize> = BTreeMap::new();
        let stream = audio.stream.to_string();
        let frames = [
            "-select_streams",
            &stream,
            "-show_entries",
            "frame=channels",
        ];
        for frame in lines(path, &frames) {
            if let Ok(channels) = frame.trim_end_matches(',').parse() {
                *counts.entry(channels).or_default() += 1;
            }
        }
        let most = counts
            .iter()
            .max_by_key(|(_, count)| **count)
            .map(|(channels, _)| *channels);
        if most.is_some_and(|most| most != audio.channels) {
            return Some(format!(
                "{} channels, but most frames have {most:?}",
                audio.channels
            ));
        }
    }
    None
}

fn lines(path: &Path, arguments: &[&str]) -> Vec<String> {
    let output = Command::new("ffprobe")
        .args(["-v", "quiet", "-of", "csv=p=0"])
        .args(arguments)
        .arg(path)
        .output();
    let text = output.expect("ffprobe is installed").stdout;
    String::from_utf8_lossy(&text)
        .lines()
        .map(str::to_owned)
        .collect()
}

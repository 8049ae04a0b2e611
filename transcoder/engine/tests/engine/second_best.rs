//! Inputs of which only a part can be shown, or of which something is guessed, or changes where no probe looks. The
//! part that can be shown is right, and notes tell the rest.

use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};

use crate::field::{check_all, hears, lasts};
use crate::support::sources::made;
use crate::support::watched::Watched;

type Check = fn(&Watched) -> Result<()>;

const INPUTS: [(&str, &[&str], Check); 25] = [
    // Frames shorter than a unit of the container's stamps.
    ("truehd-in-matroska", &[], one_clean_tone),
    // Two recordings in fragments, one behind the other: no fragment is lost where they meet.
    ("fragments-joined", &["time_joined"], both_recordings),
    // A whole file that claims an hour.
    ("says-an-hour", &["length_corrected"], four_seconds),
    // Another file behind the first, which readers of these formats do not read.
    (
        "wave-behind-wave",
        &["track_skipped"],
        four_seconds_of_sound,
    ),
    (
        "film-behind-film-mxf",
        &["track_skipped"],
        first_three_seconds,
    ),
    (
        "film-behind-film-ogg",
        &["track_skipped"],
        first_three_seconds,
    ),
    // Files cut in the middle: each container shows it in its own way.
    ("cut-aiff", &["truncated"], half_a_tone),
    ("cut-caf", &["truncated"], half_a_tone),
    ("cut-w64", &["truncated"], half_a_tone),
    ("cut-mp3", &["truncated"], half_a_tone),
    ("cut-flac", &["corrupt", "truncated"], half_a_tone_or_so),
    ("cut-mxf", &["truncated"], begins_red),
    // A track whose first half second cannot be decoded.
    (
        "sound-that-starts-broken",
        &["corrupt"],
        all_but_half_a_second,
    ),
    // One track for each channel.
    ("tracks-of-one-channel", &["guessed"], two_sounds),
    // Samples of a codec that nobody reads, in a track of one that everybody reads.
    (
        "entry-of-another-codec",
        &["unsupported_codec"],
        four_seconds,
    ),
    // A broadcast that changes to other codecs.
    (
        "picture-of-another-codec",
        &["corrupt", "unsupported_codec"],
        stands_still,
    ),
    (
        "sound-of-another-codec",
        &["corrupt", "unsupported_codec"],
        silent_at_last,
    ),
    // Two languages in the channels of one track.
    ("dual-channel", &["guessed"], four_seconds_of_sound),
    // The views of two eyes in one picture.
    ("views-side-by-side", &["track_skipped"], left_view),
    // A change between the places that a probe reads.
    (
        "one-second-of-another-size",
        &["format_changes"],
        red_but_for_a_second,
    ),
    (
        "surround-in-the-middle",
        &["format_changes"],
        centre_in_the_middle,
    ),
    // Codecs whose changes stand in packets of their own kinds.
    ("av1-grows", &["format_changes"], grows),
    // Parts whose time stamps are in other units than those of the first.
    (
        "vorbis-of-two-rates",
        &["format_changes", "time_joined"],
        two_tones,
    ),
    ("adts-of-two-rates", &["format_changes"], two_tones),
    ("latm-stereo-mono", &["format_changes"], heard_throughout),
];

#[test]
fn what_is_not_right_is_said() {
    let folder = tempfile::tempdir().unwrap();
    check_all(&INPUTS, |id| make(folder.path(), id));
}

const H264: &str = "-c:v libx264 -preset ultrafast -g 25 -pix_fmt yuv420p";

/// Arguments for a colour and a tone of `seconds` seconds.
fn plain(color: &str, size: &str, hertz: u32, seconds: u32) -> String {
    format!(
        "-f lavfi -i color={color}:s={size}:r=25:d={seconds} -f lavfi -i sine={hertz}:r=48000:d={seconds}"
    )
}

fn make(folder: &Path, id: &str) -> PathBuf {
    let made = |name: &str, arguments: &str| made(folder, &format!("{id}-{name}"), arguments);
    let write = |name: &str, bytes: &[u8]| {
        let path = folder.join(format!("{id}-{name}"));
        std::fs::write(&path, bytes).unwrap();
        path
    };
    let bytes_of = |path: &Path| std::fs::read(path).unwrap();
    let behind = |name: &str, parts: &[PathBuf]| {
        let parts: Vec<Vec<u8>> = parts.iter().map(|part| bytes_of(part)).collect();
        write(name, &parts.concat())
    };
    // The parts are joined without coding anything again.
    let spliced = |name: &str, parts: &[PathBuf]| {
        let list: String = parts
            .iter()
            .map(|part| format!("file {}\n", part.display()))
            .collect();
        let list = write("list.txt", list.as_bytes());
        made(
            name,
            &format!("-f concat -safe 0 -i {} -c copy", list.display()),
        )
    };
    let small = |color: &str, hertz: u32| plain(color, "320x180", hertz, 4);
    match id {
        "truehd-in-matroska" => made(
            "x.mkv",
            "-f lavfi -i sine=440:r=48000:d=9 -ac 2 -c:a truehd -strict -2",
        ),
        "fragments-joined" => {
            let how =
                format!("{H264} -c:a aac -movflags frag_keyframe+empty_moov+default_base_moof");
            let parts = [("red", 440), ("blue", 880)].map(|(color, hertz)| {
                made(
                    &format!("{color}.mp4"),
                    &format!("{} {how}", small(color, hertz)),
                )
            });
            behind("x.mp4", &parts)
        }
        "says-an-hour" => {
            let path = made(
                "a.webm",
                &format!(
                    "{} -c:v libvpx -deadline realtime -c:a libopus",
                    small("red", 440)
                ),
            );
            let mut bytes = bytes_of(&path);
            // The duration has eight bytes and is in milliseconds.
            let at = place(&bytes, &[0x44, 0x89, 0x88]) + 3;
            bytes[at..at + 8].copy_from_slice(&3_600_000_f64.to_be_bytes());
            write("x.webm", &bytes)
        }
        "wave-behind-wave" => {
            let parts = [440, 880].map(|hertz| {
                made(
                    &format!("{hertz}.wav"),
                    &format!("-f lavfi -i sine={hertz}:r=48000:d=4"),
                )
            });
            behind("x.wav", &parts)
        }
        "film-behind-film-mxf" | "film-behind-film-ogg" => {
            let (extension, how) = match id.ends_with("mxf") {
                true => ("mxf", "-c:v mpeg2video -b:v 2M -c:a pcm_s16le"),
                false => ("ogv", "-c:v libtheora -c:a libvorbis"),
            };
            let parts = [("red", 440), ("blue", 880)].map(|(color, hertz)| {
                let plain = plain(color, "320x180", hertz, 3);
                made(&format!("{color}.{extension}"), &format!("{plain} {how}"))
            });
            behind(&format!("x.{extension}"), &parts)
        }
        "cut-aiff" | "cut-caf" | "cut-w64" | "cut-mp3" | "cut-flac" => {
            let extension = &id[4..];
            let whole = made(
                &format!("a.{extension}"),
                "-f lavfi -i sine=440:r=48000:d=8",
            );
            let bytes = bytes_of(&whole);
            write(&format!("x.{extension}"), &bytes[..bytes.len() / 2])
        }
        "cut-mxf" => {
            let how = "-c:v mpeg2video -b:v 2M -c:a pcm_s16le";
            let whole = made("a.mxf", &format!("{} {how}", small("red", 440)));
            let bytes = bytes_of(&whole);
            write("x.mxf", &bytes[..bytes.len() / 2])
        }
        "sound-that-starts-broken" => {
            let whole = made("a.m4a", "-f lavfi -i sine=440:r=48000:d=8 -c:a aac");
            let mut bytes = bytes_of(&whole);
            let samples = place(&bytes, b"mdat") + 4;
            let broken = samples + (bytes.len() - samples) / 16;
            // These elements say that no more follow.
            bytes[samples..broken].fill(0xff);
            write("x.m4a", &bytes)
        }
        "tracks-of-one-channel" => made(
            "x.mov",
            &format!(
                "{} -f lavfi -i sine=880:r=48000:d=4 -map 0 -map 1 -map 2 {H264} -ac 1 -c:a pcm_s16le",
                small("red", 440)
            ),
        ),
        "entry-of-another-codec" => {
            let path = made("a.mp4", &format!("{} {H264} -c:a aac", small("red", 440)));
            write("x.mp4", &with_another_entry(bytes_of(&path)))
        }
        "picture-of-another-codec" | "sound-of-another-codec" => {
            let picture = id.starts_with("picture");
            let second = match picture {
                true => "-c:v mpeg2video -c:a mp2",
                false => "-c:v libx264 -preset ultrafast -c:a ac3",
            };
            let first = made("a.ts", &format!("{} {H264} -c:a mp2", small("red", 440)));
            let second = made(
                "b.ts",
                &format!(
                    "{} {second} -tables_version 1 -output_ts_offset 4",
                    small("blue", 880)
                ),
            );
            behind("x.ts", &[first, second])
        }
        "dual-channel" => {
            let path = made(
                "a.mp2",
                "-f lavfi -i sine=440:r=48000:d=4 -ac 2 -c:a mp2 -b:a 192k",
            );
            let mut bytes = bytes_of(&path);
            // The frames have 1,152 samples at 192 kbit/s; the mode stands in the last byte of the header.
            bytes
                .chunks_exact_mut(576)
                .for_each(|frame| frame[3] = frame[3] & 0x3f | 0x80);
            write("x.mp2", &bytes)
        }
        "views-side-by-side" => made(
            "x.mkv",
            &format!(
                "-f lavfi -i color=red:s=640x360:r=25:d=4,drawbox=x=320:w=320:h=360:c=blue:t=fill {H264} -metadata:s:v stereo_mode=left_right"
            ),
        ),
        "one-second-of-another-size" => {
            let parts = [
                ("red", "320x180", 33),
                ("blue", "640x360", 1),
                ("red", "320x180", 27),
            ];
            let mut number = 0;
            let parts = parts.map(|(color, size, seconds)| {
                number += 1;
                made(
                    &format!("{number}.mkv"),
                    &format!("{} {H264} -c:a aac", plain(color, size, 440, seconds)),
                )
            });
            spliced("x.mkv", &parts)
        }
        "surround-in-the-middle" => {
            let stereo = "-f lavfi -i sine=440:r=48000:d=14 -ac 2 -c:a ac3 -b:a 192k";
            let surround = "-f lavfi -i aevalsrc=0|0|0.5*sin(2*PI*1320*t)|0|0|0:c=5.1:s=48000:d=6 -c:a ac3 -b:a 384k";
            let (stereo, surround) = (made("a.mp4", stereo), made("b.mp4", surround));
            spliced("x.mp4", &[stereo.clone(), surround, stereo])
        }
        "av1-grows" => {
            let how = "-c:v libaom-av1 -cpu-used 8 -usage realtime -g 25 -pix_fmt yuv420p";
            let small = made(
                "a.mkv",
                &format!("-f lavfi -i color=red:s=320x180:r=25:d=2 {how}"),
            );
            let large = made(
                "b.mkv",
                &format!("-f lavfi -i color=blue:s=640x360:r=25:d=5 {how}"),
            );
            spliced("x.mkv", &[small, large])
        }
        "vorbis-of-two-rates" | "adts-of-two-rates" => {
            let (extension, codec) = match id.starts_with("vorbis") {
                true => ("ogg", "libvorbis"),
                false => ("aac", "aac"),
            };
            let parts = [(440, 48_000, 1, 3), (880, 44_100, 2, 5)].map(
                |(hertz, rate, channels, seconds)| {
                    made(
                        &format!("{rate}.{extension}"),
                        &format!("-f lavfi -i sine={hertz}:r={rate}:d={seconds} -ac {channels} -c:a {codec}"),
                    )
                },
            );
            behind(&format!("x.{extension}"), &parts)
        }
        "latm-stereo-mono" => {
            let how = "-c:a aac -f mpegts -mpegts_flags latm";
            let stereo = made(
                "a.ts",
                &format!("-f lavfi -i sine=440:r=48000:d=5 -ac 2 {how}"),
            );
            let mono = made(
                "b.ts",
                &format!("-f lavfi -i sine=440:r=48000:d=3 -ac 1 {how} -output_ts_offset 5"),
            );
            behind("x.ts", &[stereo, mono])
        }
        other => panic!("nobody makes {other}"),
    }
}

fn place(bytes: &[u8], of: &[u8]) -> usize {
    bytes
        .windows(of.len())
        .position(|found| found == of)
        .expect("it holds these bytes")
}

/// Adds an entry to the first track's sample descriptions, a copy of its first under another codec's name. The boxes
/// around it grow; the samples lie before them.
fn with_another_entry(mut bytes: Vec<u8>) -> Vec<u8> {
    let entry = place(&bytes, b"stsd") + 12;
    let size = u32::from_be_bytes(bytes[entry..entry + 4].try_into().unwrap()) as usize;
    let mut other = bytes[entry..entry + size].to_vec();
    other[4..8].copy_from_slice(b"vvc1");
    bytes[entry - 1] = 2;
    bytes.splice(entry + size..entry + size, other);
    for kind in [b"stsd", b"stbl", b"minf", b"mdia", b"trak", b"moov"] {
        let inside = bytes[..entry]
            .windows(4)
            .rposition(|found| found == kind)
            .unwrap();
        let known = u32::from_be_bytes(bytes[inside - 4..inside].try_into().unwrap());
        let grown = known + u32::try_from(size).unwrap();
        bytes[inside - 4..inside].copy_from_slice(&grown.to_be_bytes());
    }
    bytes
}

fn one_clean_tone(watched: &Watched) -> Result<()> {
    lasts(watched, 9.0)?;
    for seconds in [1.0, 3.9, 6.5] {
        hears(watched, seconds, 440.0, 440.0)?;
        for beside in [240.0, 640.0, 840.0] {
            let heard = watched.tone(0, seconds, beside)[0];
            ensure!(heard < 0.002, "{heard} at {beside} Hz after {seconds} s");
        }
    }
    Ok(())
}

fn both_recordings(watched: &Watched) -> Result<()> {
    lasts(watched, 8.0)?;
    let colors = [0.5, 3.5, 4.5, 7.5].map(|at| watched.named(at));
    ensure!(colors == ["red", "red", "blue", "blue"], "{colors:?}");
    hears(watched, 3.5, 440.0, 440.0)?;
    hears(watched, 4.5, 880.0, 880.0)
}

fn four_seconds(watched: &Watched) -> Result<()> {
    lasts(watched, 4.0)?;
    ensure!(watched.named(2.0) == "red", "{}", watched.named(2.0));
    hears(watched, 3.0, 440.0, 440.0)
}

fn four_seconds_of_sound(watched: &Watched) -> Result<()> {
    lasts(watched, 4.0)?;
    hears(watched, 3.0, 440.0, 440.0)
}

fn first_three_seconds(watched: &Watched) -> Result<()> {
    lasts(watched, 3.0)?;
    ensure!(watched.named(1.5) == "red", "{}", watched.named(1.5));
    hears(watched, 2.0, 440.0, 440.0)
}

fn half_a_tone(watched: &Watched) -> Result<()> {
    lasts(watched, 4.0)?;
    hears(watched, 3.0, 440.0, 440.0)
}

/// The number of bytes differs from second to second, so the length is only about half.
fn half_a_tone_or_so(watched: &Watched) -> Result<()> {
    let seconds = watched.seconds();
    ensure!((2.0..6.0).contains(&seconds), "{seconds} s");
    hears(watched, 1.0, 440.0, 440.0)
}

fn all_but_half_a_second(watched: &Watched) -> Result<()> {
    let seconds = watched.seconds();
    ensure!((7.2..7.7).contains(&seconds), "{seconds} s");
    hears(watched, 1.0, 440.0, 440.0)
}

fn begins_red(watched: &Watched) -> Result<()> {
    ensure!(
        watched.seconds() < 3.9 && watched.named(0.5) == "red",
        "{} s",
        watched.seconds()
    );
    Ok(())
}

fn two_sounds(watched: &Watched) -> Result<()> {
    four_seconds(watched)?;
    let [left, right] = watched.tone(1, 2.0, 880.0);
    ensure!(left > 0.05 && right > 0.05, "{left} {right}");
    Ok(())
}

fn stands_still(watched: &Watched) -> Result<()> {
    lasts(watched, 8.0)?;
    ensure!(watched.named(6.0) == "red", "{}", watched.named(6.0));
    hears(watched, 6.0, 880.0, 880.0)
}

fn silent_at_last(watched: &Watched) -> Result<()> {
    lasts(watched, 8.0)?;
    ensure!(watched.named(6.0) == "blue", "{}", watched.named(6.0));
    hears(watched, 2.0, 440.0, 440.0)
}

fn left_view(watched: &Watched) -> Result<()> {
    ensure!(watched.size() == (320, 360), "{:?}", watched.size());
    for x in [0.1, 0.9] {
        let [red, _, blue] = watched.color(2.0, (x, 0.5));
        ensure!(red > 200 && blue < 50, "{red} {blue} at {x}");
    }
    Ok(())
}

fn red_but_for_a_second(watched: &Watched) -> Result<()> {
    lasts(watched, 61.0)?;
    ensure!(watched.size() == (320, 180), "{:?}", watched.size());
    let colors = [10.0, 33.5, 50.0].map(|at| watched.named(at));
    ensure!(colors == ["red", "blue", "red"], "{colors:?}");
    Ok(())
}

fn centre_in_the_middle(watched: &Watched) -> Result<()> {
    lasts(watched, 34.0)?;
    let [left, right] = watched.tone(0, 17.0, 1320.0);
    ensure!(left > 0.1 && (left - right).abs() < 0.01, "{left} {right}");
    hears(watched, 30.0, 440.0, 440.0)
}

fn grows(watched: &Watched) -> Result<()> {
    lasts(watched, 7.0)?;
    ensure!(watched.size() == (640, 360), "{:?}", watched.size());
    let colors = [1.0, 5.0].map(|at| watched.named(at));
    ensure!(colors == ["red", "blue"], "{colors:?}");
    Ok(())
}

fn two_tones(watched: &Watched) -> Result<()> {
    lasts(watched, 8.0)?;
    hears(watched, 1.5, 440.0, 440.0)?;
    for seconds in [3.5, 5.5, 7.5] {
        hears(watched, seconds, 880.0, 880.0)?;
        for beside in [808.0, 837.0, 923.0, 958.0] {
            let heard = watched.tone(0, seconds, beside)[0];
            ensure!(heard < 0.02, "{heard} at {beside} Hz after {seconds} s");
        }
    }
    Ok(())
}

fn heard_throughout(watched: &Watched) -> Result<()> {
    lasts(watched, 8.0)?;
    [1.0, 4.0, 6.0]
        .into_iter()
        .try_for_each(|at| hears(watched, at, 440.0, 440.0))
}

//! Gapless sound: joins of segments are no worse than the codec itself.

use std::path::{Path, PathBuf};

use plan::{LazyCodec, SoundCodec};

use crate::support::planned;
use crate::support::sources::{ffmpeg, made};

/// Samples around a boundary whose error is measured: AAC's transform overlaps a frame each way.
const AROUND: usize = 2 * 1024;
/// Seconds of every source: they hold four joins or more.
const SECONDS: usize = 10;

/// First channel as 32-bit floats at 48 kHz.
fn decoded(path: &Path) -> Vec<f32> {
    let raw = ffmpeg(&[
        "-i",
        path.to_str().unwrap(),
        "-af",
        "pan=mono|c0=c0",
        "-ar",
        "48000",
        "-f",
        "f32le",
        "-",
    ]);
    raw.chunks_exact(4)
        .map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]))
        .collect()
}

fn error_energy(reference: &[f32], got: &[f32], from: usize, to: usize) -> f64 {
    let pairs = reference[from..to].iter().zip(&got[from..to]);
    pairs
        .map(|(a, b)| f64::from(a - b).powi(2))
        .sum::<f64>()
        .max(1e-9)
}

/// The sources' samples are found in different ways: by exact time stamps, by the codec's frame, or by the packets'
/// common divisor where stamps are whole milliseconds.
#[test]
fn joins_are_no_worse_than_the_codec() {
    let folder = tempfile::tempdir().unwrap();
    let music = music(folder.path());
    for (name, codec) in [
        ("exact.wav", "pcm_f32le"),
        ("pcm.mkv", "pcm_s16le"),
        ("flac.mkv", "flac"),
        ("vorbis.mkv", "libvorbis -q:a 8"),
        ("opus.mkv", "libopus -b:a 256k"),
        ("opus.ogg", "libopus -b:a 256k"),
        ("lame.mp3", "libmp3lame -b:a 320k"),
        ("lame.mkv", "libmp3lame -b:a 320k"),
        ("aac.m4a", "aac -b:a 256k"),
        ("vorbis.ogg", "libvorbis -q:a 8"),
        ("aac.mkv", "aac -b:a 256k"),
    ] {
        joins(&music, name, codec, SoundCodec::Aac);
    }
}

#[test]
fn joins_of_opus_are_no_worse_than_the_codec() {
    let folder = tempfile::tempdir().unwrap();
    let music = music(folder.path());
    for (name, codec) in [("exact.wav", "pcm_f32le"), ("aac.m4a", "aac -b:a 256k")] {
        joins(&music, name, codec, SoundCodec::Opus);
    }
}

/// Encodes a source from its start, in one piece, to a file whose priming is dropped.
fn straight(source: &Path, encoding: SoundCodec) -> PathBuf {
    let from = ["-i", source.to_str().unwrap(), "-vn"];
    let path = source.with_extension("straight");
    let coded = match encoding {
        SoundCodec::Aac => {
            let to = ["-c:a", "aac", "-b:a", "128k", "-f", "adts", "-"];
            let raw = ffmpeg(&[&from[..], &to].concat());
            let first = (usize::from(raw[3] & 3) << 11)
                | (usize::from(raw[4]) << 3)
                | usize::from(raw[5] >> 5);
            raw[first..].to_vec()
        }
        SoundCodec::Opus => {
            let to = [
                "-c:a", "libopus", "-b:a", "96k", "-vbr", "off", "-f", "ogg", "-",
            ];
            ffmpeg(&[&from[..], &to].concat())
        }
    };
    std::fs::write(&path, coded).unwrap();
    path
}

/// Makes tones and noise, from which all sources are coded.
fn music(folder: &Path) -> PathBuf {
    let music = format!(
        "-f lavfi -i aevalsrc=0.25*sin(2*PI*220*t)+0.15*sin(2*PI*1330*t)+0.1*sin(2*PI*3700*t)+0.08*(random(0)-0.5)|0.3*sin(2*PI*330*t):s=48000:d={SECONDS}"
    );
    made(folder, "music.wav", &format!("{music} -c:a pcm_f32le"))
}

fn joins(music: &Path, name: &str, codec: &str, encoding: SoundCodec) {
    let folder = tempfile::tempdir().unwrap();
    let music = format!("-i {}", music.display());
    // The plan has Opus renditions only for a source with pictures.
    let picture = match encoding {
        SoundCodec::Aac => String::new(),
        SoundCodec::Opus => format!("-f lavfi -i color=s=64x36:r=25:d={SECONDS} -c:v libx264"),
    };
    let wanted = format!("{music} {picture} -c:a {codec}");
    let source = match encoding {
        SoundCodec::Aac => made(folder.path(), name, &wanted),
        SoundCodec::Opus => made(folder.path(), &format!("{name}.mov"), &wanted),
    };
    let (mut engine, mut plan) = planned(&source, 1);
    if encoding == SoundCodec::Opus {
        plan = plan.with_codec(LazyCodec::Av1).unwrap();
        engine.plan(&plan);
    }
    let sound = plan.every_sound().find(|sound| sound.encoding == encoding);
    let sound = sound.unwrap().clone();
    let rendition = sound.id;
    let init = engine.inits([rendition]).unwrap().inits[&rendition].clone();
    let segments = engine.segments(&[rendition], 0, plan.segments()).segments;
    let mut whole = init.to_vec();
    segments
        .values()
        .for_each(|segment| whole.extend_from_slice(segment));
    let path = folder.path().join("joined.mp4");
    std::fs::write(&path, whole).unwrap();

    let (reference, joined, straight) = (
        decoded(&source),
        decoded(&path),
        decoded(&straight(&source, encoding)),
    );
    let declared: i64 = segments.values().map(|segment| durations(segment)).sum();
    assert_eq!(
        declared, plan.timeline.samples.0,
        "the length is exact to the sample"
    );
    // Matroska declares start and end to the millisecond.
    let rounding = if name.ends_with("mkv") { 2 * 48 } else { 0 };
    // The encoder's padding at the end is cut where the container declares it; FFmpeg's own reading of mp4 leaves it
    // on.
    let is_length = |wanted: usize| (declared - wanted as i64).abs() <= rounding;
    let is_right = is_length(SECONDS * 48_000) || is_length(reference.len());
    assert!(is_right, "{name}: {declared} samples");
    for segment in 1..plan.segments() {
        let at = sound.span(&plan.timeline, segment).0.0 as usize;
        let (from, to) = (at - AROUND, (at + AROUND).min(joined.len()));
        let ours = error_energy(&reference, &joined, from, to);
        let codec = error_energy(&reference, &straight, from, to);
        let decibels = 10.0 * (ours / codec).log10();
        eprintln!("{name}, join {segment}: {decibels:+.2} dB against the straight encode");
        assert!(decibels <= 3.0, "{name}, join {segment}: {decibels:+.2} dB");
    }
}

/// Sum of the durations of a segment's samples, from its own boxes.
fn durations(mut segment: &[u8]) -> i64 {
    use mp4_atom::{Decode, Moof, Styp};
    Styp::decode(&mut segment).unwrap();
    let moof = Moof::decode(&mut segment).unwrap();
    let default = moof.traf[0].tfhd.default_sample_duration.unwrap();
    let samples = moof.traf[0].trun[0].samples.iter();
    samples
        .map(|sample| i64::from(sample.duration.unwrap_or(default)))
        .sum()
}

//! Files that declare more than they hold: they are refused, or taken for what they hold, before memory or time is
//! spent on their declarations.

use std::path::Path;
use std::time::{Duration, Instant};

use plan::Code;

use crate::support::sources::{made, picture, sound};
use crate::support::{Engine, whole};

/// Most bytes of memory that a probe may use; an honest file of this kind takes 50 MB.
const MEMORY: u64 = 1100 << 20;
/// Longest time that a probe may take.
const PROBE: Duration = Duration::from_secs(10);

/// Code with which a probe refuses a file, if it does; the probe must stay within its memory and time.
fn probe(path: &Path) -> Option<Code> {
    let name = path.file_name().unwrap().to_string_lossy().into_owned();
    let mut engine = Engine::start(path, 1);
    let began = Instant::now();
    let code = engine.probe().err().map(|failure| failure.code);
    let (took, peak) = (began.elapsed(), engine.peak_memory());
    println!("{name:28} {code:?} {} MiB {took:.1?}", peak >> 20);
    assert!(peak < MEMORY, "{name}: {} MiB", peak >> 20);
    assert!(took < PROBE, "{name}: {took:?}");
    code
}

fn boxed(kind: &[u8; 4], body: &[u8]) -> Vec<u8> {
    let size = (body.len() as u32 + 8).to_be_bytes();
    [&size[..], kind, body].concat()
}

fn words(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_be_bytes()).collect()
}

/// Makes a movie whose tracks of raw pictures declare `samples` samples of `size` bytes in one chunk.
fn movie(samples: u32, size: u32, side: u16, tracks: usize) -> Vec<u8> {
    let entry = [
        &[0; 6][..],
        &[0, 1],
        &[0; 16],
        &side.to_be_bytes(),
        &side.to_be_bytes(),
        &words(&[0x0048_0000, 0x0048_0000, 0]),
        &[0, 1],
        &[0; 32],
        &[0, 24, 0xff, 0xff],
    ]
    .concat();
    let table = [
        boxed(b"stsd", &[words(&[0, 1]), boxed(b"raw ", &entry)].concat()),
        boxed(b"stts", &words(&[0, 1, samples, 1])),
        boxed(b"stsc", &words(&[0, 1, 1, samples, 1])),
        boxed(b"stsz", &words(&[0, size, samples])),
        boxed(b"stco", &words(&[0, 1, 40])),
    ]
    .concat();
    let handler = [&words(&[0, 0])[..], b"vide", &[0; 13]].concat();
    let media = [
        boxed(b"mdhd", &words(&[0, 0, 0, 1000, samples, 0])),
        boxed(b"hdlr", &handler),
        boxed(
            b"minf",
            &[boxed(b"vmhd", &words(&[1, 0, 0])), boxed(b"stbl", &table)].concat(),
        ),
    ]
    .concat();
    let track = boxed(b"trak", &boxed(b"mdia", &media));
    let movie = boxed(b"moov", &track.repeat(tracks));
    [
        boxed(b"ftyp", b"qt  \0\0\0\0qt  "),
        boxed(b"mdat", &[7; 4096]),
        movie,
    ]
    .concat()
}

#[test]
fn what_is_declared_and_not_held_costs_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    };
    // The file is a movie where its declarations are true.
    let honest = movie(1, 32 * 32 * 3, 32, 1);
    assert_eq!(probe(&write("honest.mov", &honest)), None);
    for (name, bytes) in [
        ("samples-100M.mov", movie(100_000_000, 1, 32, 1)),
        ("samples-9M-x30.mov", movie(9_000_000, 1, 32, 30)),
        ("samples-2G.mov", movie(0x7fff_ffff, 1, 32, 1)),
        ("samples-4G.mov", movie(0xffff_ffff, 1, 32, 1)),
    ] {
        let code = probe(&write(name, &bytes));
        assert!(
            matches!(code, Some(Code::LimitSize | Code::Corrupt)),
            "{name}"
        );
    }
    assert!(probe(&write("side-65535.mov", &movie(1, 3072, 65535, 1))).is_some());
    let tracks = write("tracks-900.mov", &movie(1, 3072, 32, 900));
    assert_eq!(probe(&tracks), Some(Code::LimitStreams));

    let inputs = format!("{} {}", picture("25", "2"), sound("48000", "2"));
    for (container, codec) in [
        ("mp4", "mpeg4"),
        ("mkv", "mpeg4"),
        ("avi", "mpeg4"),
        ("flv", "libx264"),
    ] {
        let coded = format!("{inputs} -c:v {codec} -c:a aac");
        let honest = made(folder.path(), &format!("honest.{container}"), &coded);
        let bytes = std::fs::read(honest).unwrap();
        // Each word of the header in turn becomes as large as possible.
        let header = bytes.len().min(640);
        let step = if whole() { 4 } else { 32 };
        for at in (0..header).step_by(step) {
            let mut lie = bytes.clone();
            lie[at..at + 4].copy_from_slice(&[0x7f, 0xff, 0xff, 0xff]);
            let _ = probe(&write(&format!("lie-{at}.{container}"), &lie));
        }
    }
}

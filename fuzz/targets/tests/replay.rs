//! Replays the stored corpus of every target, and some thousand seeded mutations of it.

use std::path::{Path, PathBuf};

use fastrand::Rng;
use targets::{ALL, Target};

/// Mutations of each target's corpus.
const MUTATIONS: usize = 5_000;
/// Edits of one.
const EDITS: usize = 6;

fn corpus(target: &Target) -> Vec<(PathBuf, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../corpus")
        .join(target.name);
    let entries = std::fs::read_dir(&folder).expect("each target has a corpus");
    let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let read = |path: PathBuf| {
        let bytes = std::fs::read(&path).unwrap();
        (path, bytes)
    };
    paths.into_iter().map(read).collect()
}

/// Says what was run where that panics.
struct Named<'a>(&'a Target, &'a [u8]);

impl Named<'_> {
    fn run(self) {
        (self.0.run)(self.1);
    }
}

impl Drop for Named<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{}: {:?}", self.0.name, String::from_utf8_lossy(self.1));
            eprintln!("{:02x?}", self.1);
        }
    }
}

#[test]
fn the_corpus_of_every_target_is_as_harmless_as_it_was() {
    for target in &ALL {
        let corpus = corpus(target);
        assert!(!corpus.is_empty(), "{} has no seeds", target.name);
        for (path, bytes) in corpus {
            eprintln!("{}", path.display());
            Named(target, &bytes).run();
        }
    }
}

#[test]
fn mutations_of_it_are_harmless() {
    for target in &ALL {
        let corpus = corpus(target);
        let mut random = Rng::with_seed(1);
        for _ in 0..MUTATIONS {
            let mut bytes = corpus[random.usize(0..corpus.len())].1.clone();
            let other = &corpus[random.usize(0..corpus.len())].1;
            for _ in 0..random.usize(1..=EDITS) {
                edit(&mut random, &mut bytes, other);
            }
            Named(target, &bytes).run();
        }
    }
}

fn edit(random: &mut Rng, bytes: &mut Vec<u8>, other: &[u8]) {
    const TELLING: &[u8] = b"\0\x01\x7f\x80\xff\n,;:-=\"\\/{}[]<>09aZ";
    let at = random.usize(0..=bytes.len());
    let end = bytes.len().min(at + random.usize(0..16));
    match random.u8(0..6) {
        0 if at < bytes.len() => bytes[at] ^= 1 << random.u8(0..8),
        1 if at < bytes.len() => bytes[at] = TELLING[random.usize(0..TELLING.len())],
        2 => bytes.insert(at, TELLING[random.usize(0..TELLING.len())]),
        3 => drop(bytes.drain(at..end)),
        4 => {
            let piece = bytes[at..end].to_vec();
            bytes.splice(at..at, piece);
        }
        _ => {
            let from = random.usize(0..=other.len());
            let piece = &other[from..other.len().min(from + random.usize(0..32))];
            bytes.splice(at..end, piece.iter().copied());
        }
    }
}

//! What is fuzzed: functions of any bytes that must not panic, and that check what holds for
//! whatever was parsed. `cargo-fuzz` calls them (`fuzz_targets/`, `make fuzz`), and `tests/replay.rs`
//! in every `make test`.
//!
//! To add a target: a module here with its `run` and a line in [`ALL`], whose length counts them; a
//! file in `fuzz_targets/` and its `[[bin]]`; a folder of seeds in `corpus/`; all of one name.
//!
//! Parsers that lie in crates which link media libraries, stores or a web server are included by
//! path: a fuzzer instruments all that it builds, and those would take it half an hour.

pub mod ass;
pub mod avc;
pub mod boxes;
pub mod captions;
pub mod client;
pub mod cmcd;
pub mod cues;
mod delivery;
pub mod flv;
mod input;
pub mod matroska;
pub mod names;
pub mod products;
pub mod range;
pub mod text_files;
pub mod to_engine;
pub mod to_parent;
pub mod transport;
/// A target by its name, that of its program and of its corpus.
pub struct Target {
    /// Its name.
    pub name: &'static str,
    /// Must return, whatever the bytes are.
    pub run: fn(&[u8]),
}

/// All of them.
pub const ALL: [Target; 16] = [
    target("ass", ass::run),
    target("avc", avc::run),
    target("boxes", boxes::run),
    target("captions", captions::run),
    target("client", client::run),
    target("cmcd", cmcd::run),
    target("cues", cues::run),
    target("flv", flv::run),
    target("matroska", matroska::run),
    target("names", names::run),
    target("products", products::run),
    target("range", range::run),
    target("text_files", text_files::run),
    target("to_engine", to_engine::run),
    target("to_parent", to_parent::run),
    target("transport", transport::run),
];

const fn target(name: &'static str, run: fn(&[u8])) -> Target {
    Target { name, run }
}

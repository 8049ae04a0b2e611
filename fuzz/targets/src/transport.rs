//! The tables of a transport stream.

use std::io::Cursor;

#[path = "../../../transcoder/engine/src/probe/containers/transport.rs"]
mod tables;

/// A file.
pub fn run(bytes: &[u8]) {
    let changes = tables::changes(Cursor::new(bytes), bytes.len() as u64);
    for (identifier, (before, after)) in changes {
        assert!(identifier < 1 << 13, "{identifier}: {before}, {after}");
        assert!(bytes.contains(&0x47));
    }
}

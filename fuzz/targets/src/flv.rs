//! Codecs in FLV that nobody here reads.

use std::io::Cursor;

#[path = "../../../transcoder/engine/src/probe/containers/flv.rs"]
mod reader;

/// A file.
pub fn run(bytes: &[u8]) {
    let unread = reader::unread(Cursor::new(bytes), bytes.len() as u64);
    let is_known = |codec: &String| !codec.is_empty() && codec.len() <= 32;
    assert!(unread.picture.iter().all(is_known), "{unread:?}");
    assert!(unread.sound.iter().all(is_known), "{unread:?}");
}

//! The walk over the boxes of a source.

use std::io::Cursor;

#[path = "../../../transcoder/engine/src/input/boxes.rs"]
mod walker;

/// A file.
pub fn run(bytes: &[u8]) {
    let total = bytes.len() as u64;
    let Some(boxes) = walker::Boxes::walk(Cursor::new(bytes), total) else {
        return;
    };
    let has_fragments = walker::has_fragments(Cursor::new(bytes), total);
    assert_eq!(has_fragments, boxes.fragment, "{boxes:?}");
    assert!(boxes.content <= total, "{boxes:?} in {total} bytes");
    assert!(
        boxes.content == 0
            || boxes.index
            || boxes.fragment
            || bytes.windows(4).any(|kind| kind == b"mdat")
    );
    assert!(!(boxes.cut && boxes.broken), "{boxes:?}");
    let shapes = walker::shapes(Cursor::new(bytes), total);
    assert!(shapes.is_empty() || boxes.index, "{shapes:?}");
    let lists = walker::edit_lists(Cursor::new(bytes), total);
    assert!(lists.is_empty() || boxes.index, "{lists:?}");
    let entries = walker::sample_entries(Cursor::new(bytes), total);
    let says_so = |kinds: &Vec<[u8; 4]>| kinds.iter().any(walker::says_encrypted);
    let is_encrypted = walker::is_encrypted(Cursor::new(bytes), total);
    assert!(!is_encrypted || entries.iter().any(|(_, kinds)| says_so(kinds)));
    for (track, kinds) in entries {
        let is_there = |kind: &[u8; 4]| bytes.windows(4).any(|found| found == kind);
        assert!(kinds.iter().all(is_there), "{kinds:?} of track {track}");
    }
    for sound in walker::uncompressed(Cursor::new(bytes), total) {
        let is_named = [&b"ipcm"[..], b"fpcm"].contains(&&bytes[sound.entry as usize + 4..][..4]);
        assert!(is_named, "{sound:?}");
        let bits = sound
            .config
            .map(|config| (config.is_little_endian, config.bits, config.at));
        assert!(
            bits.is_none_or(|(_, _, at)| at < total),
            "{bits:?} of {}",
            sound.is_float
        );
    }
}

//! The reader of a Matroska file's tracks.

use std::io::Cursor;

#[path = "../../../transcoder/engine/src/probe/containers/matroska.rs"]
mod reader;

/// A file.
pub fn run(bytes: &[u8]) {
    let total = bytes.len() as u64;
    let Some(segment) = reader::Segment::read(Cursor::new(bytes), total) else {
        return;
    };
    assert!(!(segment.is_cut && segment.is_whole), "{segment:?}");
    assert!(
        !segment.has_cues || bytes.windows(4).any(|id| id == [0x1c, 0x53, 0xbb, 0x6b]),
        "{segment:?}"
    );
    assert!(!segment.is_followed || !segment.is_cut, "{segment:?}");
    for track in &segment.tracks {
        assert!(!track.codec.is_empty() && track.codec.len() <= 3 * bytes.len());
        assert!(track.language.as_deref() != Some(""), "{track:?}");
        let picture = &track.picture;
        let hides_something = picture.crop.iter().any(|&side| side > 0);
        assert!(
            !picture.is_one_of_two_views
                || hides_something
                || picture.stored.0.min(picture.stored.1) == 0,
            "{picture:?} of a track that is {}",
            if track.is_enabled { "on" } else { "off" }
        );
    }
}

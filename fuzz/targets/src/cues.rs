//! Cue lists as an engine hands them over, and what is written for players.

use manifests::text;
use plan::CueList;

/// The JSON of a list.
pub fn run(bytes: &[u8]) {
    let Ok(list) = serde_json::from_slice::<CueList>(bytes) else {
        return;
    };
    list.rendition(0);
    assert!(text::whole(&list).starts_with("WEBVTT\n"));
    for index in [0, 1, u32::MAX] {
        assert!(text::segment(&list, index).starts_with("WEBVTT\n"));
    }
    let json = serde_json::to_vec(&list).unwrap();
    assert_eq!(serde_json::from_slice::<CueList>(&json).unwrap(), list);
}

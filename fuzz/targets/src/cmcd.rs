//! What players say of themselves.

use plan::RenditionKey;

#[path = "../../../origin/src/viewer/cmcd.rs"]
mod parser;

/// The text of the query, or of a header.
pub fn run(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let said = parser::Cmcd::read([&*text, &*text]);
    assert!(said.session.is_none_or(|session| session.len() <= 64));
    let at = RenditionKey {
        video: "video_01h455vb4pex5vsknk084sn02q".parse().unwrap(),
        rendition: "v720-k3m9x2a7q0wd".parse().unwrap(),
    };
    let said = parser::Cmcd::read([&*text]);
    if let Some(next) = said.next_segment(at) {
        assert_eq!(next.video, at.video, "a player goes on in the same video");
        let name = format!("{}.m4s", next.index);
        assert!(
            said.next.is_some_and(|named| named.ends_with(&name)),
            "{next:?}"
        );
    }
}

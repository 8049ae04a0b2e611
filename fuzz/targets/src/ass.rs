//! Subtitles of a source become WebVTT: whatever they say, a cue stays one cue.

use manifests::text;
use plan::{Cue, CueList};

#[path = "../../../transcoder/engine/src/text/ass.rs"]
mod parser;
#[path = "../../../transcoder/engine/src/text/styles.rs"]
mod styles;

/// A dialogue line as FFmpeg hands it over, and the same bytes as text without marks.
pub fn run(bytes: &[u8]) {
    let line = String::from_utf8_lossy(bytes);
    check(parser::plain(&line));
    let styles = styles::Styles::read(&line);
    let dialogue = format!("0,0,Default,,0,0,0,,{line}");
    check(parser::dialogue(&dialogue, &styles).unwrap_or_default());
    check(parser::caption(&dialogue).unwrap_or_default());
    if let Some(found) = parser::dialogue(&line, &styles) {
        check(found);
    }
}

fn check((place, text): (u8, String)) {
    // Empty text becomes no cue.
    if text.is_empty() {
        return;
    }
    let tags = |tag: &str| text.matches(tag).count();
    for name in ["i", "b", "u"] {
        let (opened, closed) = (format!("<{name}>"), format!("</{name}>"));
        assert_eq!(tags(&opened), tags(&closed), "tags of {text:?}");
    }
    let cue = Cue {
        start_us: 0,
        end_us: 1_000_000,
        place,
        text: text.clone(),
    };
    let file = text::whole(&CueList {
        cues: vec![cue],
        ..CueList::default()
    });
    assert_eq!(file.matches("-->").count(), 1, "times in {file:?}");
    // The header, and the cue.
    assert_eq!(
        file.trim_end_matches('\n').split("\n\n").count(),
        2,
        "blocks of {file:?}"
    );
    assert!(!text.contains(['\r', '\0']), "{text:?}");
}

//! Text files beside a source, as anybody sends them: what is read of one, written as WebVTT, is read
//! as the same cues.

use manifests::text;
use plan::CueList;

/// A file's bytes.
pub fn run(bytes: &[u8]) {
    let Ok(list) = CueList::parse(bytes) else {
        return;
    };
    let file = text::whole(&list);
    let times = file.matches("-->").count();
    assert_eq!(times, list.cues.len(), "cues in {file:?}");
    let again = CueList::parse(file.as_bytes()).expect("what we write");
    let words =
        |list: &CueList| -> Vec<String> { list.cues.iter().map(|cue| cue.text.clone()).collect() };
    assert_eq!(words(&again), words(&list), "{file:?}");
}

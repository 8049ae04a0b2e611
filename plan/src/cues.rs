//! Text that is shown at its time: what a text track of a source, or a file beside it, says.

mod decode;
mod file;
mod markup;
mod tags;
mod timing;

use serde::{Deserialize, Serialize};

use crate::canonical::Canonical;
use crate::{RenditionId, RenditionName};

pub use file::TextError;
pub use markup::{Markup, Style};

/// Cues of a track. A film has two thousand.
pub const MOST_CUES: usize = 50_000;
/// Bytes of text in a track: a film has a tenth of a megabyte, and there may be 32 tracks.
pub const MOST_BYTES: usize = 2 << 20;

/// A piece of text with its time and place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cue {
    /// From when it is shown, in microseconds of the presentation.
    pub start_us: i64,
    /// Until when.
    pub end_us: i64,
    /// Where, as a numeric keypad has it: 2 is below in the middle, 8 above.
    pub place: u8,
    /// Lines of WebVTT cue text (W3C WebVTT §3.4): escaped, with tags `i`, `b` and `u`.
    pub text: String,
}

/// Where cues are shown that say nothing of it.
pub const USUAL_PLACE: u8 = 2;

/// All cues of a track, by their start.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CueList {
    /// The cues.
    pub cues: Vec<Cue>,
}

impl CueList {
    /// By their starts, each once, within a presentation that ends then.
    pub fn of(mut cues: Vec<Cue>, end_us: i64) -> Self {
        cues.sort_by_key(|cue| cue.start_us);
        cues.dedup();
        for cue in &mut cues {
            cue.start_us = cue.start_us.clamp(0, end_us);
            cue.end_us = cue.end_us.clamp(0, end_us);
        }
        cues.retain(|cue| cue.end_us > cue.start_us);
        Self { cues }
    }

    /// The rendition that shows them as text track number `track`: its id is a hash of them.
    pub fn rendition(&self, track: u32) -> RenditionId {
        self.rendition_named(RenditionName::Text(track))
    }

    pub(crate) fn rendition_named(&self, name: RenditionName) -> RenditionId {
        let mut hash = Canonical::new("text/cues");
        hash.int(self.cues.len() as i64);
        for cue in &self.cues {
            hash.int(cue.start_us).int(cue.end_us);
            hash.int(cue.place).text(&cue.text);
        }
        hash.rendition(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_cues_have_another_id() {
        let cue = Cue {
            start_us: 0,
            end_us: 1_000_000,
            place: USUAL_PLACE,
            text: "Good evening.".to_owned(),
        };
        let id = |cues: Vec<Cue>| CueList { cues }.rendition(0);
        let moved = Cue {
            place: 8,
            ..cue.clone()
        };
        let later = Cue {
            end_us: 2_000_000,
            ..cue.clone()
        };
        let lists = [
            vec![],
            vec![cue.clone()],
            vec![cue.clone(), cue],
            vec![moved],
            vec![later],
        ];
        let ids = lists.map(id);
        let distinct: std::collections::BTreeSet<_> = ids.iter().collect();
        assert_eq!(distinct.len(), ids.len());
    }
}

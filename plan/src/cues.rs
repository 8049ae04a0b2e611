//! Text that is shown at its time: what a text track of a source, or a file beside it, says.

mod decode;
mod file;
mod markup;
mod pieces;
mod tags;
mod timing;

use serde::{Deserialize, Serialize};

use crate::canonical::Canonical;
use crate::{RenditionId, RenditionName};

pub use file::TextError;
pub use markup::{Markup, Style};
pub use pieces::{decode_pieces, webvtt_cue};

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
    /// The encoding that the source's text was taken to be in, where it is not in the one that it should be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guessed_encoding: Option<String>,
}

impl CueList {
    /// By their starts, each once, within a presentation that ends then. What is shown on and on by cue after cue, as
    /// signs are that move with the picture, is one cue.
    pub fn of(mut cues: Vec<Cue>, end_us: i64) -> Self {
        cues.sort_by_key(|cue| cue.start_us);
        let mut cues = join_repeats(cues);
        for cue in &mut cues {
            cue.start_us = cue.start_us.clamp(0, end_us);
            cue.end_us = cue.end_us.clamp(0, end_us);
        }
        cues.retain(|cue| cue.end_us > cue.start_us);
        Self {
            cues,
            guessed_encoding: None,
        }
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

/// So much apart, cues go on from one another: a frame of film, rounded.
const APART_US: i64 = 50_000;
/// Cues that may be shown at once: those are looked among for one that goes on.
const MOST_AT_ONCE: usize = 64;

fn join_repeats(cues: Vec<Cue>) -> Vec<Cue> {
    let mut joined: Vec<Cue> = Vec::with_capacity(cues.len());
    // Places of cues that another may go on from.
    let mut open: std::collections::VecDeque<usize> = std::collections::VecDeque::new();
    for cue in cues {
        let goes_on = open.iter().copied().find(|&at| {
            let known = &joined[at];
            let is_same = known.text == cue.text && known.place == cue.place;
            is_same && cue.start_us <= known.end_us.saturating_add(APART_US)
        });
        match goes_on {
            Some(at) => joined[at].end_us = joined[at].end_us.max(cue.end_us),
            None => {
                open.push_back(joined.len());
                if open.len() > MOST_AT_ONCE {
                    open.pop_front();
                }
                joined.push(cue);
            }
        }
    }
    joined
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sign_that_is_shown_on_and_on_is_one_cue() {
        let cue = |start: i64, end: i64, text: &str| Cue {
            start_us: start * 1000,
            end_us: end * 1000,
            place: 8,
            text: text.to_owned(),
        };
        let frames = (0..24).flat_map(|at| {
            [
                cue(at * 42, at * 42 + 41, "BAR"),
                cue(at * 42, at * 42 + 41, "CAFE"),
            ]
        });
        let later = cue(2000, 3000, "BAR");
        let list = CueList::of(frames.chain([later.clone()]).collect(), 10_000_000);
        assert_eq!(
            list.cues,
            [cue(0, 1007, "BAR"), cue(0, 1007, "CAFE"), later]
        );
    }

    #[test]
    fn other_cues_have_another_id() {
        let cue = Cue {
            start_us: 0,
            end_us: 1_000_000,
            place: USUAL_PLACE,
            text: "Good evening.".to_owned(),
        };
        let id = |cues: Vec<Cue>| {
            CueList {
                cues,
                ..CueList::default()
            }
            .rendition(0)
        };
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

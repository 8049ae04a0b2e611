//! Timed text (subtitles and captions) from a text track of a source or from a file beside the source.
//!
//! Bytes of text files and packets of tracks go in; a [`CueList`] in presentation order comes out. Start reading at
//! [`CueList`]; [`CueList::parse`] in `file.rs` reads whole files.

mod decode;
mod file;
mod markup;
mod pieces;
mod tags;
mod timing;

use serde::{Deserialize, Serialize};

use crate::canonical::Canonical;
use crate::rendition::{RenditionId, RenditionName};

pub use self::file::TextError;
pub use self::markup::{Markup, Style};
pub use self::pieces::{decode_pieces, webvtt_cue};

/// Largest number of cues in a track. A film has about two thousand.
pub const MOST_CUES: usize = 50_000;
/// Largest size of a track's text in bytes. A film has a tenth of a megabyte, and a source may have 32 tracks.
pub const MOST_BYTES: usize = 2 << 20;

/// Piece of text with the time and the position at which it is shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cue {
    /// Time from which the cue is shown, in microseconds of the presentation.
    pub start_us: i64,
    /// Time until which the cue is shown, in microseconds of the presentation.
    pub end_us: i64,
    /// Position on the screen as a key of the numeric keypad: 2 is bottom center, 8 is top center.
    pub place: u8,
    /// Lines of WebVTT cue text (W3C WebVTT §3.4), escaped, with the tags `i`, `b` and `u`.
    pub text: String,
}

/// Position of cues that declare none: bottom center.
pub const USUAL_PLACE: u8 = 2;

/// All cues of a track, ordered by start time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CueList {
    /// Cues, ordered by start time.
    pub cues: Vec<Cue>,
    /// Name of the encoding that was assumed for the source's text. `None` if the text has the encoding that its
    /// format prescribes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guessed_encoding: Option<String>,
}

impl CueList {
    /// Creates the list of a track from its cues: sorted by start, without duplicates, and cut at `end_us`, the end
    /// of the presentation. Consecutive cues with the same text and position become one cue. Moving signs are often
    /// stored as one cue for each frame.
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

    /// Id of the rendition that shows this list as text track number `track`. The id contains a hash of the cues.
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

/// Largest gap in microseconds between two equal cues that are joined into one: a frame of film (42 ms), rounded up.
const LONGEST_GAP_US: i64 = 50_000;
/// Largest number of cues that may be shown at once. A cue is joined only to one of this many cues before it, which
/// bounds the search.
const MOST_AT_ONCE: usize = 64;

fn join_repeats(cues: Vec<Cue>) -> Vec<Cue> {
    let mut joined: Vec<Cue> = Vec::with_capacity(cues.len());
    // Positions in `joined` of the cues that a later cue may continue.
    let mut open: std::collections::VecDeque<usize> = std::collections::VecDeque::new();
    for cue in cues {
        let goes_on = open.iter().copied().find(|&at| {
            let known = &joined[at];
            let is_same = known.text == cue.text && known.place == cue.place;
            is_same && cue.start_us <= known.end_us.saturating_add(LONGEST_GAP_US)
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
    fn consecutive_cues_with_equal_text_become_one() {
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
    fn different_cues_have_different_ids() {
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

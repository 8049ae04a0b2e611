//! The rule by which pictures are reported as damaged.

use plan::media_info::VideoTrack;
use plan::{Frames, Plan};

use crate::input::open;

/// Pictures at the end of a source that a recording may cut off. They are stored in decode order, so the last one
/// stored may be any of them.
const LAST_PICTURES: i64 = 4;

/// Signs of damage that the decoder gave and that no shown picture has reported yet.
pub struct Damage {
    /// Whether damage was found and no picture has been reported as damaged since.
    is_open: bool,
    /// Whether no whole picture has come since the source's start. A recording may begin anywhere, with pictures that
    /// refer to earlier ones: that is no damage.
    is_beginning: bool,
    /// Tick from which on errors are no damage either: a broadcast may end in the middle of a picture.
    cut_from: Option<Frames>,
}

impl Damage {
    /// State before the first picture of a plan's track.
    pub fn of(plan: &Plan, track: &VideoTrack) -> Self {
        let last = plan.timeline.tick_of(track.end).0;
        Self {
            is_open: false,
            is_beginning: true,
            cut_from: open::starts_anywhere(&plan.info.container)
                .then_some(Frames(last - LAST_PICTURES)),
        }
    }

    /// Begins anew after a seek to the source's start or elsewhere.
    pub fn restart(&mut self, from_start: bool) {
        self.is_open = false;
        self.is_beginning = from_start;
    }

    /// Records whether a packet or a picture is damaged.
    pub fn record(&mut self, is_damaged: bool) {
        self.is_open |= is_damaged;
    }

    /// Whether the picture that is shown from this tick on is damaged, or lacks a picture that it refers to. Ends the
    /// damage recorded so far.
    pub fn take_for_picture(&mut self, tick: Frames) -> bool {
        let is_open = std::mem::take(&mut self.is_open);
        self.is_beginning &= is_open;
        let is_cut = self.cut_from.is_some_and(|from| tick >= from);
        is_open && !self.is_beginning && !is_cut
    }
}

//! Which pictures are said to be damaged.

use plan::media_info::VideoTrack;
use plan::{Frames, Plan};

use crate::input::open;

/// Pictures at a source's end of which the last one stored may be any.
const LAST_PICTURES: i64 = 4;

/// Signs of damage on the way from the decoder to the screen.
pub struct Damage {
    /// It was found, and no picture has been said to have it.
    is_open: bool,
    /// No whole picture has come since the source's start. A recording may begin anywhere, with
    /// pictures that refer to what was before: that is no damage.
    is_beginning: bool,
    /// From this tick on it is none either: a broadcast may end in the middle of a picture.
    cut_from: Option<Frames>,
}

impl Damage {
    /// Of a plan's picture track.
    pub fn of(plan: &Plan, track: &VideoTrack) -> Self {
        let last = plan.timeline.tick_of(track.end).0;
        Self {
            is_open: false,
            is_beginning: true,
            cut_from: open::starts_anywhere(&plan.info.container)
                .then_some(Frames(last - LAST_PICTURES)),
        }
    }

    /// Reading begins anew, at the source's start or elsewhere.
    pub fn restart(&mut self, from_start: bool) {
        self.is_open = false;
        self.is_beginning = from_start;
    }

    /// A packet or a picture is damaged, if it is.
    pub fn found(&mut self, is_damaged: bool) {
        self.is_open |= is_damaged;
    }

    /// A picture that is shown from this tick on has come: whether it is damaged, or one before it
    /// is missing for that.
    pub fn take(&mut self, tick: Frames) -> bool {
        let is_open = std::mem::take(&mut self.is_open);
        self.is_beginning &= is_open;
        let is_cut = self.cut_from.is_some_and(|from| tick >= from);
        is_open && !self.is_beginning && !is_cut
    }
}

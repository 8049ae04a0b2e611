//! Who had how much made of late: the owner who had least comes first.

use std::collections::HashMap;
use std::time::Duration;

use plan::{OwnerId, VideoId};
use store::Moment;

/// What was made so long ago counts half: an owner with little to do overtakes one with much,
/// by as much as the other had in about this time.
const HALF_LIFE: Duration = Duration::from_secs(30);

/// Segments made lately, of each owner.
#[derive(Default)]
pub(super) struct Usage {
    owners: HashMap<OwnerId, u64>,
    /// How many segments of a video were stored when it was last looked at.
    videos: HashMap<VideoId, u64>,
    halved: Moment,
}

impl Usage {
    /// So many segments of a video are stored now.
    pub(super) fn note(&mut self, owner: OwnerId, video: VideoId, segments: u64) {
        // What was there when we first looked was made for whom it was, some time.
        let before = self.videos.insert(video, segments).unwrap_or(segments);
        // In units that halving does not wear away.
        *self.owners.entry(owner).or_default() += segments.saturating_sub(before) * UNITS;
    }

    pub(super) fn of(&self, owner: OwnerId) -> u64 {
        self.owners.get(&owner).copied().unwrap_or(0)
    }

    /// Time has passed; only these videos are unfinished.
    pub(super) fn pass(&mut self, now: Moment, is_unfinished: impl Fn(&VideoId) -> bool) {
        while now.since(self.halved) >= HALF_LIFE {
            self.owners.retain(|_, units| {
                *units /= 2;
                *units > 0
            });
            if self.owners.is_empty() {
                self.halved = now;
                break;
            }
            self.halved = self.halved + HALF_LIFE;
        }
        self.videos.retain(|video, _| is_unfinished(video));
    }
}

/// Units of one segment.
pub(super) const UNITS: u64 = 1024;

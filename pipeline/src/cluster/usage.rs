//! Usage: how much of each owner's videos was made lately. The owner with the least comes first.

use std::collections::HashMap;
use std::time::Duration;

use plan::{OwnerId, VideoId};
use store::Moment;

/// Time after which what was made counts half. An owner with little to do overtakes one with much, by as much as the
/// other had in about this time.
const HALF_LIFE: Duration = Duration::from_secs(30);

/// Segments that were made lately, by owner.
#[derive(Default)]
pub(super) struct Usage {
    owners: HashMap<OwnerId, u64>,
    /// Number of stored segments of a video at the last look.
    videos: HashMap<VideoId, u64>,
    halved: Moment,
}

impl Usage {
    /// Notes how many segments of a video are stored now.
    pub(super) fn record(&mut self, owner: OwnerId, video: VideoId, segments: u64) {
        // Segments from before the first look count for nobody.
        let before = self.videos.insert(video, segments).unwrap_or(segments);
        // Usage is kept in small units, so that halving does not lose single segments.
        *self.owners.entry(owner).or_default() += segments.saturating_sub(before) * UNITS;
    }

    /// Usage of an owner, in [`UNITS`] of a segment.
    pub(super) fn of(&self, owner: OwnerId) -> u64 {
        self.owners.get(&owner).copied().unwrap_or(0)
    }

    /// Halves the usage as time passes, and forgets videos that are no longer unfinished.
    pub(super) fn decay(&mut self, now: Moment, is_unfinished: impl Fn(&VideoId) -> bool) {
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

/// Units of usage that one segment counts.
pub(super) const UNITS: u64 = 1024;

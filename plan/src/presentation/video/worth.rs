//! Decision which rungs are worth their bytes: by an estimate before they are made, and by their real size
//! afterwards.

use std::collections::BTreeMap;

use crate::presentation::model::Plan;
use crate::rendition::RenditionId;

/// Bit rate in bits per second that every viewer has. No rung is needed below a rung that takes less.
const PLENTY_BITS_PER_SECOND: u64 = 500_000;
/// Smallest saving of a rung in per cent of the rung above it.
const LEAST_SAVING_PERCENT: u64 = 25;
/// Name of the largest box in which players can start at once: a short side of 480 pixels.
const START_BOX: u32 = 480;

/// Evaluation of a ladder's rungs, one after the other, highest first. The top rung and the rung with which players
/// start are always kept.
#[derive(Default)]
pub(super) struct Worth {
    /// Bit rate in bits per second of the last rung that was kept.
    above: Option<u64>,
    has_start: bool,
}

impl Worth {
    /// Decides whether a rung of this box is kept at the bit rate that it takes, and remembers it if so.
    pub(super) fn of(&mut self, short: u32, bits_per_second: u64) -> bool {
        let is_start = short <= START_BOX && !self.has_start;
        let is_worth_it = self.above.is_none_or(|above| {
            let most = u128::from(above) * u128::from(100 - LEAST_SAVING_PERCENT);
            let saves = u128::from(bits_per_second) * 100 <= most;
            above > PLENTY_BITS_PER_SECOND && saves
        });
        if is_start || is_worth_it {
            self.above = Some(bits_per_second);
            self.has_start |= is_start;
        }
        is_start || is_worth_it
    }
}

impl Plan {
    /// Returns the plan, in all codecs, without the rungs whose average bit rates turned out not to be worth their
    /// bytes. `None` if all are worth them, or if the average of a rung is not known.
    pub fn pruned(&self, averages: &BTreeMap<RenditionId, u64>) -> Option<Self> {
        let mut worth = Worth::default();
        let mut left_out = Vec::new();
        for rung in &self.video {
            if !worth.of(rung.rung, *averages.get(&rung.id)?) {
                left_out.push(rung.rung);
            }
        }
        if left_out.is_empty() {
            return None;
        }
        let mut plan = self.clone();
        let lazy = plan.lazy.iter_mut().map(|lazy| &mut lazy.video);
        for rungs in lazy.chain([&mut plan.video]) {
            rungs.retain(|rung| !left_out.contains(&rung.rung));
        }
        Some(plan)
    }
}

//! Which rungs are worth their bytes: by an estimate before they are made, by their bytes after.

use std::collections::BTreeMap;

use crate::RenditionId;
use crate::plan::Plan;

/// Anybody has so many bits per second: less is of use to nobody.
const PLENTY_BITS_PER_SECOND: u64 = 500_000;
/// A rung below another must save that many per cent of it.
const LEAST_SAVING_PERCENT: u64 = 25;
/// The box that a player can start in at once.
const START_BOX: u32 = 480;

/// The worth of one rung after the other, highest first. The top rung and the one that players start
/// in are in any case.
#[derive(Default)]
pub(super) struct Worth {
    /// What the last one that was worth it takes.
    above: Option<u64>,
    has_start: bool,
}

impl Worth {
    /// Whether a rung of this box is worth the bits per second that it takes.
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
    /// The same presentation without the rungs that turned out not to be worth the bits per second
    /// that they take on average, in whatever codec; nothing where all are, or where it is not known
    /// of each.
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

//! What a title's rungs are told, and which of them it gets by what is known before they are made:
//! easy pictures get more quality for few bytes.

use super::worth::Worth;
use crate::Rational;
use crate::ladder::{Rung, Size};
use crate::media_info::Complexity;

/// Rate factor and cap of one rung.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Told {
    pub(super) crf: u32,
    pub(super) cap_kbit: u32,
}

/// What a ladder's rungs are told where nothing is known of the title.
pub(super) fn untried(ladder: Vec<Rung>, crf: u32) -> Vec<(Rung, Told)> {
    let told = |rung: Rung| {
        let cap_kbit = rung.container.cap_kbit;
        (rung, Told { crf, cap_kbit })
    };
    ladder.into_iter().map(told).collect()
}

/// How many bits a title takes in the rungs of its ladder.
pub(super) struct Title<'a> {
    complexity: &'a Complexity,
    /// The source's pictures.
    size: Size,
    rate: Rational,
    /// The usual rate factor.
    crf: u32,
}

/// Seconds from one key frame to the next, as most segments have it.
const KEY_SECONDS: u64 = 4;
/// What a title takes in hundredths of what its trial did: the trial sees a few pictures of each
/// place by a quicker encoder. The middle of the clips in docs/decisions/026-titles.md, where most are
/// within a factor of two.
const TRIAL_PERCENT: u64 = 105;
/// Steps of the rate factor, the load (per mille of the cap) above which each begins, and what is
/// taken then, per mille of the usual: six steps are an octave, and each begins half an octave of
/// the load below the one before. There is none up: what is hard is held by its cap, and a coarser
/// factor takes more of its quality than of its bytes.
const STEPS: [(i32, u64, u64); 4] = [
    (0, 707, 1000),
    (-1, 500, 1122),
    (-2, 354, 1260),
    (-3, 0, 1414),
];
/// A stretch is so much harder than its neighbours that a cap below the box's would hurt it, in
/// per cent of what the hardest place takes.
const PEAK_PERCENT: u64 = 300;

impl<'a> Title<'a> {
    pub(super) fn new(complexity: &'a Complexity, size: Size, rate: Rational, crf: u32) -> Self {
        Self {
            complexity,
            size,
            rate,
            crf,
        }
    }

    /// The rungs that are worth their bytes, and what each is told.
    pub(super) fn rungs(&self, ladder: Vec<Rung>) -> Vec<(Rung, Told)> {
        let mut worth = Worth::default();
        let worthy = |rung: Rung| {
            let (told, kbit) = self.told(&rung);
            let is_worth_it = worth.of(rung.container.short, kbit * 1000);
            is_worth_it.then_some((rung, told))
        };
        ladder.into_iter().filter_map(worthy).collect()
    }

    /// What a rung is told, and the kilobits per second that it takes then.
    fn told(&self, rung: &Rung) -> (Told, u64) {
        let cap = u64::from(rung.container.cap_kbit);
        let &Complexity {
            key_bits,
            following_bits,
            hardest_following_bits,
            ..
        } = self.complexity;
        let usual = self.kbit(rung.size(), key_bits, following_bits);
        let load = usual.saturating_mul(1000) / cap;
        let step = STEPS.iter().find(|(_, from, _)| load >= *from);
        let (step, _, taken) = *step.unwrap_or(&STEPS[0]);
        let kbit = usual.saturating_mul(taken) / 1000;
        let hardest = self.kbit(rung.size(), key_bits, hardest_following_bits);
        let peak = hardest.saturating_mul(PEAK_PERCENT) / 100;
        let told = Told {
            crf: self.crf.saturating_add_signed(step),
            // Quarters of the box's, so that caps are few; never under half of it.
            cap_kbit: (peak.saturating_mul(4).div_ceil(cap).clamp(2, 4) * cap / 4) as u32,
        };
        (told, kbit.min(cap))
    }

    /// Kilobits per second of a size at the usual rate factor: they grow as the pixels to the power of 3/4.
    fn kbit(&self, size: Size, key_bits: u32, following_bits: u32) -> u64 {
        let following = Rational::new(i64::from(following_bits), 1);
        let following = following.scale_round(self.rate.num(), self.rate.den());
        let per_second = u64::from(key_bits) / KEY_SECONDS + following.max(0) as u64;
        let full = u128::from(per_second) * u128::from(self.size.pixels()) / 1_000_000;
        let ratio = (u128::from(size.pixels()) << 32) / u128::from(self.size.pixels().max(1));
        let half = (ratio << 32).isqrt();
        let quarter = (half << 32).isqrt();
        let bits = (full * ((half * quarter) >> 32)) >> 32;
        u64::try_from(bits)
            .unwrap_or(u64::MAX)
            .saturating_mul(TRIAL_PERCENT)
            / 100_000
    }
}

//! Per-title encoding: rate factor and bit-rate cap of each rung, and the choice of rungs, from trial encodes of the
//! source. Titles that are easy to encode get more quality for few additional bytes.

use crate::ladder::{Rung, Size};
use crate::media_info::Complexity;
use crate::presentation::video::worth::Worth;
use crate::units::Rational;

/// Rate factor and bit-rate cap of one rung.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Told {
    pub(super) crf: u32,
    pub(super) cap_kbit: u32,
}

/// Settings of a ladder's rungs if the title has no trial encodes.
pub(super) fn untried(ladder: Vec<Rung>, crf: u32) -> Vec<(Rung, Told)> {
    let told = |rung: Rung| {
        let cap_kbit = rung.container.cap_kbit;
        (rung, Told { crf, cap_kbit })
    };
    ladder.into_iter().map(told).collect()
}

/// Estimate of the bits that a title takes in the rungs of its ladder.
pub(super) struct Title<'a> {
    complexity: &'a Complexity,
    /// Size of the source's frames.
    size: Size,
    rate: Rational,
    /// Usual rate factor, in x264's scale.
    crf: u32,
}

/// Time in seconds from one key frame to the next, as in most segments.
const KEY_SECONDS: u64 = 4;
/// Size of a title in per cent of the estimate from its trials, which see only a few frames at each position and use
/// a faster encoder. The value is the median of the clips in docs/decisions/026-titles.md; most clips are within a
/// factor of two.
const TRIAL_PERCENT: u64 = 105;
/// Table of rate-factor changes: the change, the lowest load (per mille of the cap) at which it applies, and the
/// resulting bits per mille of the usual. Six steps of the factor are an octave of bits, and each row starts half an
/// octave of load below the row before. No row makes the factor coarser: the cap limits hard titles, and a coarser
/// factor would cost more quality than it saves bytes.
const STEPS: [(i32, u64, u64); 4] = [
    (0, 707, 1000),
    (-1, 500, 1122),
    (-2, 354, 1260),
    (-3, 0, 1414),
];
/// Peak bit rate in per cent of the hardest tried position. Some parts of a title are this much harder than their
/// neighbors, and a lower cap would hurt them.
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

    /// The rungs that are worth their bytes, with their settings.
    pub(super) fn rungs(&self, ladder: Vec<Rung>) -> Vec<(Rung, Told)> {
        let mut worth = Worth::default();
        let worthy = |rung: Rung| {
            let (told, kbit) = self.told(&rung);
            let is_worth_it = worth.of(rung.container.short, kbit * 1000);
            is_worth_it.then_some((rung, told))
        };
        ladder.into_iter().filter_map(worthy).collect()
    }

    /// Settings of a rung, and the bit rate in kilobits per second that it then takes.
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
            // Caps are quarters of the box's cap, so that few values exist, and at least half of it.
            cap_kbit: (peak.saturating_mul(4).div_ceil(cap).clamp(2, 4) * cap / 4) as u32,
        };
        (told, kbit.min(cap))
    }

    /// Bit rate in kilobits per second of the title in this size at the usual rate factor. Bits grow with the number
    /// of pixels to the power of 3/4.
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

//! Which rate factor each try of a segment is encoded with, so that the whole segment stays under its cap and none of
//! its pictures starves.
//!
//! An encoder that works at a constant rate factor gives all pictures of a segment the same quality, and what comes out
//! is as large as it is. [`VideoRendition::next_try`] takes what all tries so far came to and says what to do: take one
//! of them, encode once more at a coarser factor, or have the encoder itself hold the cap. It depends on nothing else,
//! so that a segment has the same bytes wherever it is made. docs/decisions/032-even-quality.md has the measurements.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{VideoCodec, VideoRendition, av1, hevc};
use crate::log2::{ONE, log2};
use crate::{Frames, Rational};

/// A constant rate factor, in quarters of the encoder's own scale.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RateFactor(pub u32);

impl RateFactor {
    /// A whole factor.
    pub const fn whole(factor: u32) -> Self {
        Self(factor * QUARTERS)
    }
}

impl fmt::Display for RateFactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", f64::from(self.0) / f64::from(QUARTERS))
    }
}

/// The first segment that is first tried at a rate factor; those after it are, too, up to the next of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FirstFactor {
    /// The segment.
    pub from: u32,
    /// The rate factor.
    pub factor: RateFactor,
}

/// First factors as a rendition's hash is taken of them.
pub(super) fn in_numbers(factors: &[FirstFactor]) -> Vec<i64> {
    let each = factors.iter();
    each.flat_map(|first| [i64::from(first.from), i64::from(first.factor.0)])
        .collect()
}

/// Whether an encode of a segment stays under the segment's cap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fit {
    /// It may be published.
    Fits,
    /// The whole is small enough, but a player at the cap's rate would wait for its first part longer than a manifest's
    /// `minBufferTime` says.
    StartsTooLarge,
    /// It has more bytes than cap times duration.
    TooLarge,
}

/// One encode of a segment at a rate factor, and its result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Try {
    /// The rate factor that it was encoded with.
    pub factor: RateFactor,
    /// Bytes of its coded pictures.
    pub bytes: u64,
    /// Whether they stay under the cap.
    pub fit: Fit,
}

/// The next step in making a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Publish the finest try that fits.
    Take,
    /// Encode it once more at this rate factor.
    Encode(RateFactor),
    /// Encode it with a buffer that bounds its bytes ([`VideoRendition::rate_control`]).
    Bound,
}

/// Quarters in one step of an encoder's scale.
const QUARTERS: u32 = 4;
/// Seconds at the cap's rate that a player has buffered before it plays, as the MPD says in `minBufferTime`.
const BUFFER_SECONDS: i128 = 2;
/// Per cent of the bytes allowed that a second try must hold to be good enough.
const FULL_PERCENT: u64 = 85;
/// Per cent of the bytes allowed that a third try aims at.
const AIM_PERCENT: u64 = 97;
/// Quarters added to what a segment's excess asks for, since it is an estimate.
const MARGIN: u32 = 1;
/// Quarters added where the start alone is too large.
const START_STEP: u32 = 4;
/// Quarters added each time that an encoder which is to hold the cap by itself does not.
const HARDER_STEP: u32 = 16;

/// Where a rate factor of an encoder ends, and what it does to a segment's bytes.
pub(super) struct Scale {
    /// Quarters that halve the bytes, as a rule.
    pub(super) octave: i64,
    /// Quarters between two factors that the encoder knows.
    grid: u32,
    /// The coarsest factor.
    coarsest: RateFactor,
}

impl Scale {
    pub(super) const fn of(codec: VideoCodec) -> Self {
        match codec {
            VideoCodec::H264 => Self {
                octave: 18,
                grid: 1,
                coarsest: RateFactor::whole(51),
            },
            VideoCodec::Hevc => Self {
                octave: 18,
                grid: 1,
                coarsest: RateFactor::whole(hevc::COARSEST),
            },
            VideoCodec::Av1 => Self {
                octave: 40,
                grid: QUARTERS,
                coarsest: RateFactor::whole(av1::COARSEST),
            },
        }
    }

    /// A factor that is coarser by so many quarters, on the encoder's grid.
    fn coarser(&self, factor: RateFactor, by: u32) -> RateFactor {
        let quarters = factor.0.saturating_add(by).next_multiple_of(self.grid);
        RateFactor(quarters).min(self.coarsest)
    }
}

impl VideoRendition {
    /// The rate factor of a segment's first try.
    pub fn first_factor(&self, segment: u32) -> RateFactor {
        let after = self
            .first_factors
            .partition_point(|first| first.from <= segment);
        match after
            .checked_sub(1)
            .and_then(|at| self.first_factors.get(at))
        {
            Some(first) => first.factor,
            None => RateFactor::whole(self.crf),
        }
    }

    /// The rate factor where an encoder was to hold the cap by itself and did not, so many times.
    pub fn harder(&self, factor: RateFactor, times: u32) -> RateFactor {
        let scale = Scale::of(self.encoding);
        scale.coarser(factor, HARDER_STEP.saturating_mul(times))
    }

    /// How coded pictures lie to the cap of a segment of so many frames: their sizes in bytes, in the order in which they
    /// are decoded, and the bytes of the boxes around them.
    pub fn fit(&self, sizes: &[usize], boxes: usize, frames: Frames, rate: Rational) -> Fit {
        // In bits times the rate's numerator, to be compared without a fraction.
        let bits = |bytes: usize| bytes as i128 * 8 * i128::from(rate.num());
        let buffered = |frames: i128| {
            let time = frames * i128::from(rate.den()) + BUFFER_SECONDS * i128::from(rate.num());
            i128::from(self.cap_bits_per_second) * time
        };
        let mut bytes = boxes;
        let mut starts_too_large = false;
        for (at, size) in (0..).zip(sizes) {
            bytes += size;
            starts_too_large |= bits(bytes) > buffered(at);
        }
        if bytes as u64 > self.allowed_bytes(frames, rate) {
            Fit::TooLarge
        } else if starts_too_large {
            Fit::StartsTooLarge
        } else {
            Fit::Fits
        }
    }

    /// Bytes that a segment of so many frames may have, boxes included: what its cap allows in its time, and in half a
    /// second where it is shorter. Only a film's one segment is, and a playlist's peak bit rate is that of no less than
    /// half a target duration (rfc8216bis, 4.4.6.2), which is a second or more.
    pub fn allowed_bytes(&self, frames: Frames, rate: Rational) -> u64 {
        allowed_bytes(self.cap_bits_per_second, frames, rate)
    }

    /// What is done after these tries of a segment, in the order in which they were made, whose coded pictures may have
    /// `allowed` bytes.
    pub fn next_try(&self, tries: &[Try], allowed: u64) -> Next {
        let scale = Scale::of(self.encoding);
        match *tries {
            [first] if first.fit == Fit::Fits => Next::Take,
            [first] => scale.encode(first, scale.second(first, allowed)),
            [_, second] if second.fit == Fit::Fits && is_full(second, allowed) => Next::Take,
            [first, second] => match (second.fit, scale.third(first, second, allowed)) {
                // Between what is too large and what is small enough.
                (Fit::Fits, Some(third)) if first.factor < third && third < second.factor => {
                    Next::Encode(third)
                }
                (Fit::Fits, _) => Next::Take,
                (_, Some(third)) if third > second.factor => scale.encode(second, third),
                _ => scale.encode(second, scale.second(second, allowed)),
            },
            _ if tries.iter().any(|one| one.fit == Fit::Fits) => Next::Take,
            _ => Next::Bound,
        }
    }
}

/// Bytes that a segment of so many frames may have under a cap in bits per second
/// ([`VideoRendition::allowed_bytes`]).
pub(super) fn allowed_bytes(cap: u64, frames: Frames, rate: Rational) -> u64 {
    let (num, den) = (i128::from(rate.num()), i128::from(rate.den()));
    // In half seconds times the rate's numerator.
    let time = (2 * i128::from(frames.0) * den).max(num);
    u64::try_from(i128::from(cap) * time / (16 * num)).unwrap_or(u64::MAX)
}

/// Whether a try holds nearly all that it may.
const fn is_full(one: Try, allowed: u64) -> bool {
    one.bytes as u128 * 100 >= allowed as u128 * FULL_PERCENT as u128
}

impl Scale {
    /// A coarser factor after a try that does not fit, if the encoder has one.
    fn encode(&self, after: Try, factor: RateFactor) -> Next {
        match factor > after.factor {
            true => Next::Encode(factor),
            false => Next::Bound,
        }
    }

    /// The factor at which a segment should fit that came out too large.
    fn second(&self, first: Try, allowed: u64) -> RateFactor {
        match first.fit {
            Fit::TooLarge => {
                let fitting = self.moved(first.factor, log2(first.bytes) - log2(allowed));
                self.coarser(fitting, MARGIN)
            }
            Fit::StartsTooLarge | Fit::Fits => self.coarser(first.factor, START_STEP),
        }
    }

    /// The factor at which bytes are less by so much, as a logarithm, than at another; finer where that is below nought.
    pub(super) fn moved(&self, factor: RateFactor, excess: i64) -> RateFactor {
        // Rounded up: coarser.
        let quarters = -(-excess * self.octave).div_euclid(ONE);
        let quarters = i64::from(factor.0).saturating_add(quarters).max(0);
        self.coarser(RateFactor(u32::try_from(quarters).unwrap_or(u32::MAX)), 0)
    }

    /// The factor at which a segment should hold nearly all that it may, on the line through two tries.
    fn third(&self, first: Try, second: Try, allowed: u64) -> Option<RateFactor> {
        let aim = log2(allowed.saturating_mul(AIM_PERCENT) / 100);
        let (from, to) = (log2(first.bytes), log2(second.bytes));
        let step = i64::from(second.factor.0) - i64::from(first.factor.0);
        if to >= from || step <= 0 {
            return None;
        }
        // Rounded up: coarser.
        let by = -((aim - from) * step).div_euclid(from - to);
        let by = match second.fit {
            Fit::StartsTooLarge => step + i64::from(START_STEP),
            Fit::Fits | Fit::TooLarge => by,
        };
        let by = u32::try_from(by.max(0)).unwrap_or(u32::MAX);
        Some(self.coarser(first.factor, by))
    }
}

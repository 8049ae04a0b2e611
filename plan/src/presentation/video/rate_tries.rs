//! Choice of the rate factor for each try of a segment, so that the whole segment stays under its cap and no frame
//! gets too few bits.
//!
//! At a constant rate factor all frames of a segment have the same quality, but the segment's size is not bounded.
//! [`VideoRendition::next_try`] takes the results of all tries so far and returns the next step: publish one of them,
//! encode again at a coarser factor, or let the encoder itself hold the cap. The result depends on nothing else, so
//! that a segment has the same bytes wherever it is made. docs/decisions/032-even-quality.md has the measurements.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::log2::{ONE, log2};
use crate::presentation::video::codec::VideoCodec;
use crate::presentation::video::{VideoRendition, av1, hevc};
use crate::units::{Frames, Rational};

/// Constant rate factor in quarters of a step of the encoder's own scale.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RateFactor(pub u32);

impl RateFactor {
    /// Creates a rate factor from whole steps of the encoder's scale.
    pub const fn whole(factor: u32) -> Self {
        Self(factor * QUARTERS)
    }
}

impl fmt::Display for RateFactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", f64::from(self.0) / f64::from(QUARTERS))
    }
}

/// Rate factor of first tries, from one segment up to the next entry of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FirstFactor {
    /// First segment to which the entry applies.
    pub from: u32,
    /// Rate factor of the first try.
    pub factor: RateFactor,
}

/// First factors as integers, for the hash of a rendition.
pub(super) fn in_numbers(factors: &[FirstFactor]) -> Vec<i64> {
    let each = factors.iter();
    each.flat_map(|first| [i64::from(first.from), i64::from(first.factor.0)])
        .collect()
}

/// Whether an encoded segment stays under its cap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fit {
    /// The segment stays under its cap and may be published.
    Fits,
    /// The whole segment is small enough, but a player at the cap's bit rate would wait for its first part longer
    /// than `minBufferTime` of the manifest says.
    StartsTooLarge,
    /// The segment has more bytes than its cap allows for its duration.
    TooLarge,
}

/// Encode of a segment at one rate factor, with its result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Try {
    /// Rate factor of the encode.
    pub factor: RateFactor,
    /// Size of the coded frames in bytes.
    pub bytes: u64,
    /// Whether the segment stays under its cap.
    pub fit: Fit,
}

/// Next step in making a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Publish the try with the finest factor among those that fit.
    Take,
    /// Encode the segment again at this rate factor.
    Encode(RateFactor),
    /// Encode the segment with a buffer that bounds its bytes ([`VideoRendition::rate_control`]).
    Bound,
}

/// Number of quarters in one step of an encoder's scale.
const QUARTERS: u32 = 4;
/// Seconds of media at the cap's bit rate that a player buffers before it plays. The MPD says so in `minBufferTime`.
const BUFFER_SECONDS: i128 = 2;
/// Size in per cent of the allowed bytes that a second try must reach to be good enough.
const FULL_PERCENT: u64 = 85;
/// Target size of a third try in per cent of the allowed bytes.
const AIM_PERCENT: u64 = 97;
/// Margin in quarters that is added to the estimated factor, since the estimate is uncertain.
const MARGIN: u32 = 1;
/// Increase of the factor in quarters if only the start of a segment is too large.
const START_STEP: u32 = 4;
/// Increase of the factor in quarters each time that an encoder with a bounding buffer exceeds the cap.
const HARDER_STEP: u32 = 16;

/// Scale of an encoder's rate factors: its limits, and its effect on a segment's bytes.
pub(super) struct Scale {
    /// Number of quarters that usually halve the bytes.
    pub(super) octave: i64,
    /// Distance in quarters between two factors that the encoder accepts.
    grid: u32,
    /// Coarsest factor that the encoder accepts.
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

    /// Factor that is coarser by at least `by` quarters and lies on the encoder's grid.
    fn coarser(&self, factor: RateFactor, by: u32) -> RateFactor {
        let quarters = factor.0.saturating_add(by).next_multiple_of(self.grid);
        RateFactor(quarters).min(self.coarsest)
    }
}

impl VideoRendition {
    /// Rate factor of a segment's first try.
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

    /// Rate factor after an encoder with a bounding buffer has exceeded the cap `times` times.
    pub fn harder(&self, factor: RateFactor, times: u32) -> RateFactor {
        let scale = Scale::of(self.encoding);
        scale.coarser(factor, HARDER_STEP.saturating_mul(times))
    }

    /// Compares a segment of `frames` frames with its cap. `sizes` are the sizes of its coded frames in bytes, in
    /// decode order; `boxes` is the size of the boxes around them.
    pub fn fit(&self, sizes: &[usize], boxes: usize, frames: Frames, rate: Rational) -> Fit {
        // Bits times the rate's numerator, so that the comparison needs no fractions.
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

    /// Largest size in bytes of a segment of `frames` frames, boxes included: the bytes that its cap allows for its
    /// duration, or for half a second if it is shorter. Only the single segment of a very short film is that short.
    /// The peak bit rate of a playlist is measured over at least half a target duration (rfc8216bis, 4.4.6.2), which
    /// is a second or more.
    pub fn allowed_bytes(&self, frames: Frames, rate: Rational) -> u64 {
        allowed_bytes(self.cap_bits_per_second, frames, rate)
    }

    /// Decides the next step after these tries of a segment, in the order in which they were made. `allowed` is the
    /// largest size of the coded frames in bytes.
    pub fn next_try(&self, tries: &[Try], allowed: u64) -> Next {
        let scale = Scale::of(self.encoding);
        match *tries {
            [first] if first.fit == Fit::Fits => Next::Take,
            [first] => scale.encode(first, scale.second(first, allowed)),
            [_, second] if second.fit == Fit::Fits && is_full(second, allowed) => Next::Take,
            [first, second] => match (second.fit, scale.third(first, second, allowed)) {
                // The third factor lies between one that is too large and one that fits.
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

/// Largest size in bytes of a segment under a cap in bits per second ([`VideoRendition::allowed_bytes`]).
pub(super) fn allowed_bytes(cap: u64, frames: Frames, rate: Rational) -> u64 {
    let (num, den) = (i128::from(rate.num()), i128::from(rate.den()));
    // Duration in half seconds times the rate's numerator.
    let time = (2 * i128::from(frames.0) * den).max(num);
    u64::try_from(i128::from(cap) * time / (16 * num)).unwrap_or(u64::MAX)
}

/// Whether a try uses nearly all allowed bytes.
const fn is_full(one: Try, allowed: u64) -> bool {
    one.bytes as u128 * 100 >= allowed as u128 * FULL_PERCENT as u128
}

impl Scale {
    /// Encodes again at a coarser factor after a try that does not fit, if the encoder has a coarser one.
    fn encode(&self, after: Try, factor: RateFactor) -> Next {
        match factor > after.factor {
            true => Next::Encode(factor),
            false => Next::Bound,
        }
    }

    /// Factor of the second try: the one at which a segment that was too large should fit.
    fn second(&self, first: Try, allowed: u64) -> RateFactor {
        match first.fit {
            Fit::TooLarge => {
                let fitting = self.moved(first.factor, log2(first.bytes) - log2(allowed));
                self.coarser(fitting, MARGIN)
            }
            Fit::StartsTooLarge | Fit::Fits => self.coarser(first.factor, START_STEP),
        }
    }

    /// Factor at which a segment has fewer bytes than at `factor`, by `excess` as a logarithm. A negative excess
    /// gives a finer factor.
    pub(super) fn moved(&self, factor: RateFactor, excess: i64) -> RateFactor {
        // Round up, to the coarser factor.
        let quarters = -(-excess * self.octave).div_euclid(ONE);
        let quarters = i64::from(factor.0).saturating_add(quarters).max(0);
        self.coarser(RateFactor(u32::try_from(quarters).unwrap_or(u32::MAX)), 0)
    }

    /// Factor of the third try, on the line through two tries: the segment should use nearly all allowed bytes.
    fn third(&self, first: Try, second: Try, allowed: u64) -> Option<RateFactor> {
        let aim = log2(allowed.saturating_mul(AIM_PERCENT) / 100);
        let (from, to) = (log2(first.bytes), log2(second.bytes));
        let step = i64::from(second.factor.0) - i64::from(first.factor.0);
        if to >= from || step <= 0 {
            return None;
        }
        // Round up, to the coarser factor.
        let by = -((aim - from) * step).div_euclid(from - to);
        let by = match second.fit {
            Fit::StartsTooLarge => step + i64::from(START_STEP),
            Fit::Fits | Fit::TooLarge => by,
        };
        let by = u32::try_from(by.max(0)).unwrap_or(u32::MAX);
        Some(self.coarser(first.factor, by))
    }
}

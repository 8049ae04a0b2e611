//! Rate factors of first tries. A title that is hard to encode starts with coarser factors, so that a segment's first
//! try usually fits under its cap.
//!
//! Trial encodes and the time line go in; a list of [`FirstFactor`] comes out.

use crate::ladder::{Rung, Size};
use crate::log2::{ONE, exp2, log2};
use crate::media_info::{SmallTrial, SmallTrials, VideoTrack};
use crate::presentation::video::codec::VideoCodec;
use crate::presentation::video::rate_tries::{FirstFactor, RateFactor, Scale, allowed_bytes};
use crate::presentation::video::title::Told;
use crate::timeline::TimeLine;
use crate::units::Frames;

/// Rate factor of the trial encodes.
const TRIAL_FACTOR: RateFactor = RateFactor::whole(24);
/// Size of a segment in per cent of its estimate from trials. Trials encode only five frames each, without B-frames;
/// the value is the median of the clips in docs/decisions/032-even-quality.md.
const TRIAL_PERCENT: u64 = 140;
/// Target size of a first try in per cent of the allowed bytes, if a trial lies within the segment or just before it.
const AIM_PERCENT: u64 = 85;
/// Target size of a first try in per cent of the allowed bytes, if all trials are of other parts of the film. It
/// leaves more room, since the estimate is less certain.
const DISTANT_AIM_PERCENT: u64 = 75;
/// Largest distance of a trial before a segment, in microseconds, at which the trial still represents the segment.
const JUST_BEFORE_US: i64 = 1_000_000;
/// Exponent by which a frame's bits grow with its pixels, in units of 1/65536. It is used if no larger trial says
/// otherwise.
const USUAL_POWER: i64 = 3 * ONE / 4;
/// Valid range of that exponent: bits of noise grow as the number of pixels, bits of a smooth frame hardly at all.
const POWER_RANGE: (i64, i64) = (ONE / 4, 5 * ONE / 4);

/// Estimate of a segment's coded frames from trial encodes, at the size and rate factor of the trials.
struct SegmentEstimate {
    /// Size of an intra-coded frame in bits.
    key_bits: u64,
    /// Size of a predicted frame in bits.
    following_bits: u64,
    /// Whether a trial lies within the segment or just before it.
    is_near: bool,
}

/// Estimate of the bits that each segment of a title takes in each rung.
pub(super) struct Expected<'a> {
    timeline: &'a TimeLine,
    trials: &'a SmallTrials,
    /// Exponents by which a frame's bits grow with its pixels, above the size of the trials: for intra-coded frames
    /// and for predicted frames.
    powers: (i64, i64),
}

impl<'a> Expected<'a> {
    /// Makes the estimate from the trial encodes of a track. `None` if there were none.
    pub(super) fn new(track: &'a VideoTrack, timeline: &'a TimeLine) -> Option<Self> {
        let complexity = track.complexity.as_ref()?;
        let trials = complexity.small.as_ref()?;
        let full = u64::from(track.coded_width) * u64::from(track.coded_height);
        let mean = |bits: fn(&SmallTrial) -> u32| {
            let sum: u64 = trials
                .places
                .iter()
                .map(|trial| u64::from(bits(trial)))
                .sum();
            sum.checked_div(trials.places.len() as u64)
        };
        let power = |full_bits: u32, small_bits: Option<u64>| {
            let pixels = log2(full) - log2(u64::from(trials.pixels));
            match small_bits {
                // Only clearly different sizes allow an estimate of the exponent.
                Some(small) if pixels >= ONE / 2 => {
                    let full_bits = u64::from(full_bits).saturating_mul(full) / 1_000_000;
                    let power = (log2(full_bits) - log2(small)) * ONE / pixels;
                    power.clamp(POWER_RANGE.0, POWER_RANGE.1)
                }
                _ => USUAL_POWER,
            }
        };
        Some(Self {
            timeline,
            trials,
            powers: (
                power(complexity.key_bits, mean(|trial| trial.key_bits)),
                power(
                    complexity.following_bits,
                    mean(|trial| trial.following_bits),
                ),
            ),
        })
    }

    /// Rate factors of a rung's first tries. No factor is finer than the usual one.
    pub(super) fn factors(&self, rung: &Rung, told: Told) -> Vec<FirstFactor> {
        let usual = RateFactor::whole(told.crf);
        let mut factors: Vec<FirstFactor> = Vec::new();
        for segment in 0..self.timeline.segments() {
            let factor = self.factor(segment, rung, told).max(usual);
            if factors.last().map_or(usual, |last| last.factor) != factor {
                factors.push(FirstFactor {
                    from: segment,
                    factor,
                });
            }
        }
        factors
    }

    /// Rate factor at which a segment should reach the target size of a first try.
    fn factor(&self, segment: u32, rung: &Rung, told: Told) -> RateFactor {
        let (start, end) = self.timeline.segment_frames(segment);
        let frames = (end.0 - start.0).max(1) as u64;
        let Some(tried) = self.tried(start, end) else {
            return RateFactor(0);
        };
        let size = rung.size();
        let key = self.scaled(tried.key_bits, size, self.powers.0);
        let following = self.scaled(tried.following_bits, size, self.powers.1);
        let bits = key.saturating_add(following.saturating_mul(frames - 1));
        let expected = bits.saturating_mul(TRIAL_PERCENT) / 100;
        let percent = match tried.is_near {
            true => AIM_PERCENT,
            false => DISTANT_AIM_PERCENT,
        };
        let cap = u64::from(told.cap_kbit) * 1000;
        let allowed = allowed_bytes(cap, end - start, self.timeline.rate);
        let aim = allowed.saturating_mul(8 * percent) / 100;
        Scale::of(VideoCodec::H264).moved(TRIAL_FACTOR, log2(expected) - log2(aim))
    }

    /// Estimate of the frames from `start` to `end`: the mean of the trials within and just before them, or else the
    /// nearest trial.
    fn tried(&self, start: Frames, end: Frames) -> Option<SegmentEstimate> {
        let (start, end) = (self.timeline.frame_us(start), self.timeline.frame_us(end));
        let is_near = |trial: &&SmallTrial| (start - JUST_BEFORE_US..end).contains(&trial.at_us);
        let near: Vec<&SmallTrial> = self.trials.places.iter().filter(is_near).collect();
        let middle = start.midpoint(end);
        let places = self.trials.places.iter();
        let nearest = places.min_by_key(|trial| trial.at_us.abs_diff(middle))?;
        let mean = |bits: fn(&SmallTrial) -> u32| {
            let sum: u64 = near.iter().map(|&trial| u64::from(bits(trial))).sum();
            let mean = sum.checked_div(near.len() as u64);
            mean.unwrap_or_else(|| u64::from(bits(nearest)))
        };
        Some(SegmentEstimate {
            key_bits: mean(|trial| trial.key_bits),
            following_bits: mean(|trial| trial.following_bits),
            is_near: !near.is_empty(),
        })
    }

    /// Size in bits of a frame that is scaled from the size of the trials to `size`.
    fn scaled(&self, bits: u64, size: Size, power: i64) -> u64 {
        let pixels = log2(size.pixels()) - log2(u64::from(self.trials.pixels));
        let power = if pixels > 0 { power } else { USUAL_POWER };
        exp2(log2(bits) + pixels * power / ONE)
    }
}

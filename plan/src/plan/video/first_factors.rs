//! Rate factors of first tries: so coarse where a title is hard that a segment's first try usually fits under its cap.

use super::VideoCodec;
use super::title::Told;
use super::tries::{FirstFactor, RateFactor, Scale, allowed_bytes};
use crate::Frames;
use crate::ladder::{Rung, Size};
use crate::log2::{ONE, exp2, log2};
use crate::media_info::{SmallTrial, SmallTrials, VideoTrack};
use crate::timeline::TimeLine;

/// The rate factor of the trials.
const TRIED: RateFactor = RateFactor::whole(24);
/// What a segment takes in hundredths of what its trials say, which see five pictures each by an encoder without B-frames:
/// the middle of the clips in docs/decisions/032-even-quality.md.
const TRIAL_PERCENT: u64 = 140;
/// Per cent of the bytes allowed that a first try aims at, where a trial is of the segment or of what comes just before it.
const AIM_PERCENT: u64 = 85;
/// The same where all trials are of other parts of the film.
const AIM_FROM_AFAR_PERCENT: u64 = 75;
/// How long before a segment a trial may be that speaks for it, in microseconds.
const JUST_BEFORE_US: i64 = 1_000_000;
/// A picture's bits grow as its pixels to this power, as a multiple of 1/65536, where no larger trial says otherwise.
const USUAL_POWER: i64 = 3 * ONE / 4;
/// Powers that pictures can have: noise grows as its pixels do, and a smooth picture hardly at all.
const POWERS: (i64, i64) = (ONE / 4, 5 * ONE / 4);

/// An estimate of a segment's coded pictures from trial encodes, at the size and rate factor of the trials.
struct Tried {
    /// Bits of a picture that is coded by itself.
    key_bits: u64,
    /// Bits of a picture that is predicted from the one before it.
    following_bits: u64,
    /// Whether a trial was of these pictures or of others just before them.
    is_near: bool,
}

/// An estimate of how many bits each segment of a title takes in each rung.
pub(super) struct Expected<'a> {
    timeline: &'a TimeLine,
    trials: &'a SmallTrials,
    /// The power by which a picture's bits grow with its pixels above the size of the trials: one by itself, and one that
    /// follows another.
    powers: (i64, i64),
}

impl<'a> Expected<'a> {
    /// An estimate from the trial encodes of a track; `None` if the track was not tried.
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
                // Sizes that hardly differ tell nothing of what another takes.
                Some(small) if pixels >= ONE / 2 => {
                    let full_bits = u64::from(full_bits).saturating_mul(full) / 1_000_000;
                    let power = (log2(full_bits) - log2(small)) * ONE / pixels;
                    power.clamp(POWERS.0, POWERS.1)
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

    /// The first tries' rate factors of a rung: the usual one where that is coarse enough.
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

    /// The rate factor at which a segment should hold as much of what it may as a first try aims at.
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
            false => AIM_FROM_AFAR_PERCENT,
        };
        let cap = u64::from(told.cap_kbit) * 1000;
        let allowed = allowed_bytes(cap, end - start, self.timeline.rate);
        let aim = allowed.saturating_mul(8 * percent) / 100;
        Scale::of(VideoCodec::H264).moved(TRIED, log2(expected) - log2(aim))
    }

    /// What the trials say of the pictures from one frame to another: the mean of those in between and just before, or
    /// else the nearest.
    fn tried(&self, start: Frames, end: Frames) -> Option<Tried> {
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
        Some(Tried {
            key_bits: mean(|trial| trial.key_bits),
            following_bits: mean(|trial| trial.following_bits),
            is_near: !near.is_empty(),
        })
    }

    /// A picture's bits in another size than that of the trials.
    fn scaled(&self, bits: u64, size: Size, power: i64) -> u64 {
        let pixels = log2(size.pixels()) - log2(u64::from(self.trials.pixels));
        let power = if pixels > 0 { power } else { USUAL_POWER };
        exp2(log2(bits) + pixels * power / ONE)
    }
}

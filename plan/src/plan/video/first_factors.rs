//! Rate factors of first tries: so coarse where a title is hard that a segment's first try usually fits under its cap.

use super::VideoCodec;
use super::title::Told;
use super::tries::{FirstFactor, RateFactor, Scale};
use crate::ladder::{Rung, Size};
use crate::log2::{ONE, exp2, log2};
use crate::media_info::{SmallTrial, SmallTrials, VideoTrack};
use crate::timeline::TimeLine;

/// The rate factor of the trials.
const TRIED: RateFactor = RateFactor::whole(24);
/// Per cent of the bytes allowed that a first try aims at, where a film starts. Trials see a few pictures by a quicker
/// encoder: what they say of a segment is mostly within a third of what it takes.
const AIM_AT_START_PERCENT: u64 = 75;
/// The same further on, where a second try costs time more often than a viewer's wait.
const AIM_LATER_PERCENT: u64 = 85;
/// The same in rungs that nobody starts in.
const AIM_ABOVE_PERCENT: u64 = 95;
/// The smallest box above those that players start in.
const ABOVE_START: u32 = 720;
/// Segments that the trial of the first pictures speaks for: those that somebody waits for.
const STARTING: u32 = 3;
/// A picture's bits grow as its pixels to this power, as a multiple of 1/65536, where no larger trial says otherwise.
const USUAL_POWER: i64 = 3 * ONE / 4;
/// Powers that pictures can have: noise grows as its pixels do, and a smooth picture hardly at all.
const POWERS: (i64, i64) = (ONE / 4, 5 * ONE / 4);

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
        let Some(trial) = self.trial(segment) else {
            return RateFactor(0);
        };
        let (start, end) = self.timeline.segment_frames(segment);
        let frames = (end.0 - start.0).max(1) as u64;
        let size = rung.size();
        let key = self.scaled(trial.key_bits, size, self.powers.0);
        let following = self.scaled(trial.following_bits, size, self.powers.1);
        let expected = key.saturating_add(following.saturating_mul(frames - 1));
        let rate = self.timeline.rate;
        let seconds = |bits: u64| {
            let bits = u128::from(bits) * u128::from(frames) * rate.den() as u128;
            u64::try_from(bits / rate.num().max(1) as u128).unwrap_or(u64::MAX)
        };
        let percent = match rung.container.short {
            ABOVE_START.. => AIM_ABOVE_PERCENT,
            _ if segment < STARTING => AIM_AT_START_PERCENT,
            _ => AIM_LATER_PERCENT,
        };
        let aim = seconds(u64::from(told.cap_kbit) * 10 * percent);
        Scale::of(VideoCodec::H264).moved(TRIED, log2(expected) - log2(aim))
    }

    /// The trial that speaks for a segment: of the first pictures, or of the nearest place.
    fn trial(&self, segment: u32) -> Option<&SmallTrial> {
        if let Some(start) = self.trials.start.as_ref().filter(|_| segment < STARTING) {
            return Some(start);
        }
        let (start, end) = self.timeline.segment_frames(segment);
        let middle = (self.timeline.frame_us(start) + self.timeline.frame_us(end)) / 2;
        let places = self.trials.places.iter();
        places.min_by_key(|trial| trial.at_us.abs_diff(middle))
    }

    /// A picture's bits in another size than that of the trials.
    fn scaled(&self, bits: u32, size: Size, power: i64) -> u64 {
        let pixels = log2(size.pixels()) - log2(u64::from(self.trials.pixels));
        let power = if pixels > 0 { power } else { USUAL_POWER };
        exp2(log2(u64::from(bits)) + pixels * power / ONE)
    }
}

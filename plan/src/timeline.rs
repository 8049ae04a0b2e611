//! The time line of a presentation: constant rate, integer ticks, every boundary fixed.

use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};

use crate::media_info::{MediaInfo, VideoTrack};
use crate::{Frames, Rational, Samples};

/// Samples per second of every sound rendition.
pub const SAMPLE_RATE: i64 = 48_000;
/// Samples in an AAC frame.
pub const AAC_FRAME: i64 = 1024;
/// Samples in an Opus frame of 20 ms.
pub const OPUS_FRAME: i64 = 960;
/// Containers round time stamps; a start or end this much past a grid point lies on it.
const SLACK: Rational = Rational::new(1, 1000);
/// The grid of a presentation without picture: AAC frames per second.
const AUDIO_ONLY_RATE: Rational = Rational::new(SAMPLE_RATE, AAC_FRAME);

/// The largest numerator of a rate, and so the largest time scale: tracks hold it in 32 bits and
/// sixteen frames of composition offset in 31. Rates beyond it are approximated; over 12 h the
/// error is less than a thousandth of a frame.
const RATE_NUMERATOR: i64 = 100_000_000;
/// What `Policy::segment_seconds` may be: shorter ones cost bytes and requests for ever, longer
/// ones fill a player's buffer too slowly.
pub const SEGMENT_SECONDS: RangeInclusive<u32> = 2..=10;

/// The rates a source of variable rate is brought to.
const STANDARD_RATES: [Rational; 9] = [
    Rational::new(24_000, 1001),
    Rational::new(24, 1),
    Rational::new(25, 1),
    Rational::new(30_000, 1001),
    Rational::new(30, 1),
    Rational::new(48, 1),
    Rational::new(50, 1),
    Rational::new(60_000, 1001),
    Rational::new(60, 1),
];

/// The whole presentation's time: what tick 0 is, how long it lasts, where segments meet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TimeLine {
    /// Ticks per second. Without picture a tick is one AAC frame.
    pub rate: Rational,
    /// Source time of tick 0, in seconds.
    pub origin: Rational,
    /// Length of the sound, in samples; that of the picture is the last boundary.
    pub samples: Samples,
    /// Where segments meet, in ticks: one more than there are segments, the first 0.
    pub boundaries: Vec<Frames>,
}

impl TimeLine {
    /// The time line of a source, or nothing where it has no content at all.
    pub(crate) fn of(info: &MediaInfo, segment_seconds: u32) -> Option<Self> {
        let start = spans(info).map(|span| span.0).min()?;
        let end = spans(info).map(|span| span.1).max()?;
        if end <= start {
            return None;
        }
        let Some(video) = &info.video else {
            let samples = (end - start).scale_round(SAMPLE_RATE, 1).max(1);
            // No slack here: not one sample belongs to no segment.
            let frames = samples.saturating_add(AAC_FRAME - 1) / AAC_FRAME;
            return Some(Self {
                rate: AUDIO_ONLY_RATE,
                origin: start,
                samples: Samples(samples),
                boundaries: boundaries(frames, AUDIO_ONLY_RATE, segment_seconds),
            });
        };
        let rate = grid_rate(video)?;
        let lead = (video.start - start - SLACK)
            .scale_ceil(rate.num(), rate.den())
            .max(0);
        let origin = video.start - ticks(lead, rate);
        let frames = (end - origin - SLACK)
            .scale_ceil(rate.num(), rate.den())
            .max(1);
        let samples = ticks(frames, rate).scale_round(SAMPLE_RATE, 1);
        Some(Self {
            rate,
            origin,
            samples: Samples(samples),
            boundaries: boundaries(frames, rate, segment_seconds),
        })
    }

    /// Number of segments of every picture and sound rendition.
    pub fn segments(&self) -> u32 {
        self.boundaries.len().saturating_sub(1) as u32
    }

    /// Length in ticks.
    pub fn frames(&self) -> Frames {
        self.boundaries.last().copied().unwrap_or_default()
    }

    /// First tick of segment `index`, and of the one after it.
    pub fn segment_frames(&self, index: u32) -> (Frames, Frames) {
        let at = |i: usize| {
            self.boundaries
                .get(i)
                .copied()
                .unwrap_or_else(|| self.frames())
        };
        let index = index as usize;
        (at(index), at(index.saturating_add(1)))
    }

    /// Where the sound of segment `index` starts and ends: on the grid of frames of so many
    /// samples, nearest before the picture's boundary; the last one ends where the presentation
    /// does.
    pub fn segment_samples(&self, index: u32, frame: i64) -> (Samples, Samples) {
        let (start, end) = self.segment_frames(index);
        let at = |tick: Frames| {
            if tick >= self.frames() {
                self.samples
            } else {
                let whole = ticks(tick.0, self.rate).scale_floor(SAMPLE_RATE, frame);
                Samples(whole * frame)
            }
        };
        (at(start), at(end))
    }

    /// Start of a tick on the presentation's time line, in microseconds.
    pub fn frame_us(&self, tick: Frames) -> i64 {
        ticks(tick.0, self.rate).scale_round(1_000_000, 1)
    }

    /// A sample's place on the presentation's time line, in microseconds.
    pub fn sample_us(&self, sample: Samples) -> i64 {
        Rational::new(sample.0, SAMPLE_RATE).scale_round(1_000_000, 1)
    }

    /// Length of the presentation in microseconds: that of the picture, or of sound alone.
    pub fn duration_us(&self) -> i64 {
        // A picture at the AAC frame rate lasts just as long as its sound.
        if self.rate == AUDIO_ONLY_RATE {
            self.sample_us(self.samples)
        } else {
            self.frame_us(self.frames())
        }
    }

    /// Source time of a tick, in seconds.
    pub fn source_time(&self, tick: Frames) -> Rational {
        self.origin + ticks(tick.0, self.rate)
    }

    /// The tick a picture with this source time belongs to: the nearest, ties to the later.
    pub fn tick_of(&self, source_time: Rational) -> Frames {
        Frames((source_time - self.origin).scale_round(self.rate.num(), self.rate.den()))
    }

    /// The output sample at which a source time lies: the nearest.
    pub fn sample_of(&self, source_time: Rational) -> Samples {
        Samples((source_time - self.origin).scale_round(SAMPLE_RATE, 1))
    }

    /// The segment that shows this moment of the presentation.
    pub fn segment_at_us(&self, us: i64) -> u32 {
        let tick = Rational::from_us(us.max(0)).scale_floor(self.rate.num(), self.rate.den());
        self.segment_of(Frames(tick))
    }

    /// The tick nearest to a whole second of the presentation.
    pub fn tick_at_second(&self, second: u32) -> Frames {
        let tick = Rational::new(i64::from(second), 1);
        let tick = tick.scale_round(self.rate.num(), self.rate.den());
        Frames(tick.min(self.frames().0 - 1).max(0))
    }

    /// The segment that a tick lies in.
    pub fn segment_of(&self, tick: Frames) -> u32 {
        let after = self.boundaries.partition_point(|start| *start <= tick) as u32;
        after
            .saturating_sub(1)
            .min(self.segments().saturating_sub(1))
    }
}

/// From where to where each track lasts, picture first; a track that ends before it starts
/// is empty.
pub(crate) fn spans(info: &MediaInfo) -> impl Iterator<Item = (Rational, Rational)> + '_ {
    let video = info.video.iter().map(|v| (v.start, v.end));
    let audio = info.audio.iter().map(|a| (a.start, a.end));
    video
        .chain(audio)
        .map(|(start, end)| (start, end.max(start)))
}

/// `count` ticks as seconds.
fn ticks(count: i64, rate: Rational) -> Rational {
    count
        .checked_mul(rate.den())
        .and_then(|num| Rational::checked(num, rate.num()))
        .unwrap_or(Rational::new(i64::MAX, 1))
}

/// The output rate: the source's own where it is constant, brought into 10 ..= 60 by a
/// whole factor; a standard rate where it varies. Pairs of fields count as two pictures where
/// that stays within 60. Nothing where a constant rate is not above nought.
fn grid_rate(video: &VideoTrack) -> Option<Rational> {
    let of_fields = |rate: Rational| match rate + rate {
        twice if video.interlaced && twice <= Rational::new(60, 1) => twice,
        _ => rate,
    };
    if !video.constant_rate {
        let wanted = of_fields(video.rate_p95.unwrap_or(video.frame_rate));
        let reaches = STANDARD_RATES.into_iter().find(|rate| *rate >= wanted);
        return Some(reaches.unwrap_or(Rational::new(60, 1)));
    }
    let rate = of_fields(video.frame_rate);
    let (num, den) = (rate.num(), rate.den());
    if num <= 0 {
        return None;
    }
    // Products of two 64-bit numbers and of a small one: far from the end of 128 bits.
    let (num, den) = (i128::from(num), i128::from(den));
    let (slowest, fastest) = (10, 60);
    let (num, den) = if num < slowest * den {
        (num * div_ceil(slowest * den, num), den)
    } else {
        (num, den * div_ceil(num, fastest * den))
    };
    Rational::nearest(num, den, RATE_NUMERATOR)
}

/// `a / b` rounded up, of positive numbers.
fn div_ceil(a: i128, b: i128) -> i128 {
    (a + b - 1) / b
}

/// 1, 1, 2, then whole segments, each rounded once to frames (29.97: 30, 30, 60, 120, 120 ...;
/// rounding cumulative times would mix 119 with 120); a remainder under one second joins the
/// segment before it.
fn boundaries(frames: i64, rate: Rational, segment_seconds: u32) -> Vec<Frames> {
    // Where settings are read, others are refused.
    let segment_seconds = segment_seconds.clamp(*SEGMENT_SECONDS.start(), *SEGMENT_SECONDS.end());
    let span =
        |seconds: u32| Rational::new(i64::from(seconds), 1).scale_round(rate.num(), rate.den());
    let second = Rational::new(1, 1).scale_ceil(rate.num(), rate.den());
    let lengths = [1, 1, 2]
        .into_iter()
        .chain(std::iter::repeat(segment_seconds))
        .map(span);
    let mut boundaries = vec![Frames(0)];
    let mut at = 0;
    for length in lengths {
        at += length.max(1);
        if frames - at < second {
            break;
        }
        boundaries.push(Frames(at));
    }
    boundaries.push(Frames(frames));
    boundaries
}

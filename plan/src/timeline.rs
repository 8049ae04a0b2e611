//! Time line of a presentation: constant frame rate, integer ticks and fixed segment boundaries.
//!
//! The probe's findings go in; a [`TimeLine`] comes out, which converts between ticks, samples, microseconds and
//! segments.

use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};

use crate::media_info::{MediaInfo, VideoTrack};
use crate::units::Rational;
use crate::units::{Frames, Samples};

/// Sample rate of every audio rendition, in samples per second.
pub const SAMPLE_RATE: i64 = 48_000;
/// Number of samples in an AAC frame.
pub const AAC_FRAME: i64 = 1024;
/// Number of samples in an Opus frame, which lasts 20 ms.
pub const OPUS_FRAME: i64 = 960;
/// Largest rounding error of a container's time stamps, in seconds. A start or end at most this much after a grid
/// point counts as lying on it.
const ROUNDING_TOLERANCE: Rational = Rational::new(1, 1000);
/// Tick rate of an audio-only presentation: AAC frames per second.
const AUDIO_ONLY_RATE: Rational = Rational::new(SAMPLE_RATE, AAC_FRAME);

/// Largest numerator of a frame rate, and so the largest time scale. Tracks store the time scale in 32 bits, and a
/// composition offset of up to sixteen frames in 31 bits. Rates with larger numerators are approximated; over 12 h
/// the error is less than a thousandth of a frame.
const RATE_NUMERATOR: i64 = 100_000_000;
/// Valid range of `Policy::segment_seconds`, in seconds. Shorter segments cost more bytes and requests; longer ones
/// fill a player's buffer too slowly.
pub const SEGMENT_SECONDS: RangeInclusive<u32> = 2..=10;

/// Frame rates to which sources with a variable rate are converted.
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

/// Time line of a presentation: where it starts in the source, how long it lasts, and where segments meet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TimeLine {
    /// Ticks per second, which is the frame rate. In an audio-only presentation a tick is one AAC frame.
    pub rate: Rational,
    /// Source time of tick 0, in seconds.
    pub origin: Rational,
    /// Length of the audio in samples. The length of the video is the last boundary.
    pub samples: Samples,
    /// Segment boundaries in ticks, starting with 0. There is one boundary more than segments.
    pub boundaries: Vec<Frames>,
}

impl TimeLine {
    /// Makes the time line of a source. `None` if the source has no content.
    pub(crate) fn of(info: &MediaInfo, segment_seconds: u32) -> Option<Self> {
        let start = spans(info).map(|span| span.0).min()?;
        let end = spans(info).map(|span| span.1).max()?;
        if end <= start {
            return None;
        }
        let Some(video) = &info.video else {
            let samples = (end - start).scale_round(SAMPLE_RATE, 1).max(1);
            // No rounding error is allowed here, so that every sample belongs to a segment.
            let frames = samples.saturating_add(AAC_FRAME - 1) / AAC_FRAME;
            return Some(Self {
                rate: AUDIO_ONLY_RATE,
                origin: start,
                samples: Samples(samples),
                boundaries: boundaries(frames, AUDIO_ONLY_RATE, segment_seconds),
            });
        };
        let rate = grid_rate(video)?;
        let lead = (video.start - start - ROUNDING_TOLERANCE)
            .scale_ceil(rate.num(), rate.den())
            .max(0);
        let origin = video.start - ticks(lead, rate);
        let frames = (end - origin - ROUNDING_TOLERANCE)
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

    /// Number of segments of every video and audio rendition.
    pub fn segments(&self) -> u32 {
        self.boundaries.len().saturating_sub(1) as u32
    }

    /// Length of the presentation in ticks.
    pub fn frames(&self) -> Frames {
        self.boundaries.last().copied().unwrap_or_default()
    }

    /// First tick of segment `index`, and first tick after it.
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

    /// First sample of the audio segment `index`, and first sample after it. Both are multiples of `frame` samples,
    /// the last ones before the video's boundaries; the last segment ends with the presentation.
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

    /// Start of a tick in microseconds of the presentation.
    pub fn frame_us(&self, tick: Frames) -> i64 {
        ticks(tick.0, self.rate).scale_round(1_000_000, 1)
    }

    /// Time of a sample in microseconds of the presentation.
    pub fn sample_us(&self, sample: Samples) -> i64 {
        Rational::new(sample.0, SAMPLE_RATE).scale_round(1_000_000, 1)
    }

    /// Length of the presentation in microseconds: that of the video, or of the audio if there is no video.
    pub fn duration_us(&self) -> i64 {
        // A video with the AAC frame rate lasts exactly as long as its audio.
        if self.rate == AUDIO_ONLY_RATE {
            self.sample_us(self.samples)
        } else {
            self.frame_us(self.frames())
        }
    }

    /// Source time of a tick in seconds.
    pub fn source_time(&self, tick: Frames) -> Rational {
        self.origin + ticks(tick.0, self.rate)
    }

    /// Tick of the frame with this source time: the nearest one, or the later of two.
    pub fn tick_of(&self, source_time: Rational) -> Frames {
        Frames((source_time - self.origin).scale_round(self.rate.num(), self.rate.den()))
    }

    /// Output sample nearest to a source time.
    pub fn sample_of(&self, source_time: Rational) -> Samples {
        Samples((source_time - self.origin).scale_round(SAMPLE_RATE, 1))
    }

    /// Index of the segment that shows this time of the presentation.
    pub fn segment_at_us(&self, us: i64) -> u32 {
        let tick = Rational::from_us(us.max(0)).scale_floor(self.rate.num(), self.rate.den());
        self.segment_of(Frames(tick))
    }

    /// Tick nearest to a whole second of the presentation.
    pub fn tick_at_second(&self, second: u32) -> Frames {
        let tick = Rational::new(i64::from(second), 1);
        let tick = tick.scale_round(self.rate.num(), self.rate.den());
        Frames(tick.min(self.frames().0 - 1).max(0))
    }

    /// Index of the segment that contains a tick.
    pub fn segment_of(&self, tick: Frames) -> u32 {
        let after = self.boundaries.partition_point(|start| *start <= tick) as u32;
        after
            .saturating_sub(1)
            .min(self.segments().saturating_sub(1))
    }
}

/// Start and end of each track in the source, video first. A track that ends before it starts counts as empty.
pub(crate) fn spans(info: &MediaInfo) -> impl Iterator<Item = (Rational, Rational)> + '_ {
    let video = info.video.iter().map(|v| (v.start, v.end));
    let audio = info.audio.iter().map(|a| (a.start, a.end));
    video
        .chain(audio)
        .map(|(start, end)| (start, end.max(start)))
}

/// Length of `count` ticks in seconds.
fn ticks(count: i64, rate: Rational) -> Rational {
    count
        .checked_mul(rate.den())
        .and_then(|num| Rational::checked(num, rate.num()))
        .unwrap_or(Rational::new(i64::MAX, 1))
}

/// Output frame rate of a video. A constant rate is kept, or brought into the range 10 ..= 60 by a whole factor; a
/// variable rate becomes a standard rate. Pairs of fields count as two frames if the rate then stays within 60.
/// `None` if a constant rate is not above zero.
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
    // The products of two 64-bit numbers and a small one are far below the limit of 128 bits.
    let (num, den) = (i128::from(num), i128::from(den));
    let (slowest, fastest) = (10, 60);
    let (num, den) = if num < slowest * den {
        (num * div_ceil(slowest * den, num), den)
    } else {
        (num, den * div_ceil(num, fastest * den))
    };
    Rational::nearest(num, den, RATE_NUMERATOR)
}

/// Quotient `a / b` of positive numbers, rounded up.
fn div_ceil(a: i128, b: i128) -> i128 {
    (a + b - 1) / b
}

/// Segment boundaries in ticks. Segments last 1, 1 and 2 seconds, and then `segment_seconds`. Each length is rounded
/// once to frames (29.97: 30, 30, 60, 120, 120 ...; rounding cumulative times would mix 119 with 120). A remainder of
/// less than a second joins the segment before it.
fn boundaries(frames: i64, rate: Rational, segment_seconds: u32) -> Vec<Frames> {
    // Other values are refused where settings are read.
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

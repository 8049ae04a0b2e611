//! Places of decoded sound on its track's axis. Containers round time stamps (to 1 ms in Matroska), so that a stamp
//! alone does not tell the sample.

use ffmpeg_next::frame;
use plan::media_info::AudioTrack;
use plan::{MediaInfo, Rational};

use crate::ffi;
use crate::input::times::seconds;

/// Most samples between a track's first sample and any other: 265 days at 48 kHz. Farther time stamps are damage.
const FARTHEST: i64 = 1 << 40;
/// Fewest frames whose time stamps together tell where the frames lie.
const ENOUGH: i64 = 8;

/// Assigner of places to decoded frames, which come one after the other.
pub struct Places {
    rate: i64,
    time_base: Rational,
    start: Rational,
    priming: i64,
    /// Samples of which every frame's length is a whole multiple, where that is known.
    frame: Option<i64>,
    /// First time stamps of the parts of the source, except the first part; the grid of frames begins anew at each.
    parts: Vec<i64>,
    run: Run,
}

/// State of a run of frames that follow one another without a gap.
#[derive(Default)]
struct Run {
    /// First sample of the track that is kept; frames before it only prepare the decoder.
    first: i64,
    /// Place at which the next frame begins if no gap comes.
    next: Option<i64>,
    /// Sum of the samples by which time stamps are later than their frames' places, and the number of these frames.
    late: i64,
    count: i64,
    /// Whether the places have been corrected to the average of all time stamps so far.
    is_settled: bool,
}

impl Places {
    /// Makes the assigner of a track's frames.
    pub fn of(track: &AudioTrack, info: &MediaInfo, time_base: Rational) -> Self {
        let own = info
            .joins
            .iter()
            .filter(|join| join.stream == track.stream && join.position > 0);
        Self {
            rate: i64::from(track.sample_rate),
            time_base,
            start: track.start,
            priming: i64::from(track.priming),
            frame: track.frame_samples.filter(|&n| n > 0).map(i64::from),
            parts: own.map(|join| join.first).collect(),
            run: Run::default(),
        }
    }

    /// Begins a new run, as after a seek. Frames before the sample `first` are decoded, but not kept.
    pub fn restart(&mut self, first: i64) {
        self.run = Run {
            first,
            ..Run::default()
        };
    }

    /// Place of the first sample of the next decoded frame, counted from the track's first sample. The frame has
    /// `lasts` samples at the track's rate.
    pub fn next(&mut self, decoded: &frame::Audio, lasts: i64) -> i64 {
        let at = match ffi::best_timestamp(decoded) {
            Some(stamp) => self.place(stamp, decoded, lasts),
            None => self.run.next.unwrap_or(0),
        };
        self.run.next = Some(at + lasts);
        at
    }

    fn place(&mut self, stamp: i64, decoded: &frame::Audio, lasts: i64) -> i64 {
        let time = seconds(stamp, self.time_base) - self.start;
        // A time stamp that is farther away is damage and is held at the limit.
        let at = time.scale_round(self.rate, 1).clamp(-FARTHEST, FARTHEST);
        let unit = self.time_base.scale_ceil(self.rate, 1);
        let near = |exact: &i64| (exact - at).abs() <= unit + 1;
        // The grid holds only for frames at the sample rate of most of the track.
        let is_usual = i64::from(decoded.rate()) == self.rate;
        let grid = Grid {
            origin: self.grid_origin(stamp),
            frame: self.frame.filter(|_| is_usual),
        };
        if unit > 1 && grid.frame.is_none_or(|frame| frame < unit) {
            return match self.run.next.filter(near) {
                Some(next) => self.settled(next, at, lasts, &grid),
                None => {
                    self.restart(self.run.first);
                    grid.nearest(at)
                }
            };
        }
        // The first frame, whose priming is cut off, has only its end on the grid.
        let samples = decoded.samples() as i64;
        let on_grid = grid.frame.and_then(|_| {
            let starts = Some(grid.nearest(at)).filter(near);
            starts.or_else(|| Some(grid.nearest(at + samples) - samples).filter(near))
        });
        // A track that changes its rate inside leaves the grid. From there each frame follows the one before, and
        // does not move to a rounded time stamp.
        on_grid.or_else(|| self.run.next.filter(near)).unwrap_or(at)
    }

    /// Place of a frame where one time stamp covers more than one frame (TrueHD's frames are shorter than a unit of
    /// Matroska's stamps): each frame follows the one before. The average of the stamps of all frames that are not
    /// kept corrects the place of the first kept frame.
    fn settled(&mut self, next: i64, at: i64, lasts: i64, grid: &Grid) -> i64 {
        let run = &mut self.run;
        if run.is_settled {
            return next;
        }
        run.late += at - next;
        run.count += 1;
        run.is_settled = next + lasts > run.first;
        match run.is_settled && run.count >= ENOUGH {
            true => grid.nearest(next + Rational::new(run.late, run.count).scale_round(1, 1)),
            false => next,
        }
    }

    /// Place of the first packet of the part that a time stamp belongs to: the origin of that part's grid.
    fn grid_origin(&self, stamp: i64) -> i64 {
        let after = self.parts.partition_point(|first| *first <= stamp);
        let Some(part) = after.checked_sub(1) else {
            return -self.priming;
        };
        let time = seconds(self.parts[part], self.time_base) - self.start;
        time.scale_round(self.rate, 1).clamp(-FARTHEST, FARTHEST)
    }
}

/// Grid of the places at which frames may begin, in samples.
struct Grid {
    origin: i64,
    /// Distance of two places; without it a frame may begin anywhere.
    frame: Option<i64>,
}

impl Grid {
    fn nearest(&self, place: i64) -> i64 {
        let Some(frame) = self.frame else {
            return place;
        };
        (place - self.origin + frame / 2).div_euclid(frame) * frame + self.origin
    }
}

//! Where decoded sound lies on its track's axis. Containers round time stamps (to 1 ms in Matroska), so that a stamp
//! alone does not tell the sample.

use ffmpeg_next::frame;
use plan::media_info::AudioTrack;
use plan::{MediaInfo, Rational};

use crate::ffi;
use crate::input::times::seconds;

/// Samples from a track's first to its farthest: 265 days.
const FARTHEST: i64 = 1 << 40;
/// Frames whose stamps together tell where they lie, at least.
const ENOUGH: i64 = 8;

/// Places decoded frames one after the other.
pub struct Places {
    rate: i64,
    time_base: Rational,
    start: Rational,
    priming: i64,
    /// Samples that every frame's length is a whole multiple of, where known.
    frame: Option<i64>,
    /// The first stamps of parts but the first: frames lie on a grid from there.
    parts: Vec<i64>,
    run: Run,
}

/// Frames that follow one another without a gap.
#[derive(Default)]
struct Run {
    /// From this sample on they are kept.
    first: i64,
    /// Where the next one begins.
    next: Option<i64>,
    /// By how many samples their stamps are later than their places, in all, and of how many frames.
    late: i64,
    count: i64,
    /// Their places have been brought to what all their stamps say.
    is_settled: bool,
}

impl Places {
    /// Of a track.
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

    /// Frames come from elsewhere. Those before the sample `first` are decoded, but not kept.
    pub fn restart(&mut self, first: i64) {
        self.run = Run {
            first,
            ..Run::default()
        };
    }

    /// Where the first sample of the next decoded frame lies, counted from the track's first. It has `lasts` samples at
    /// the track's rate.
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
        // What lies further off is nowhere.
        let at = time.scale_round(self.rate, 1).clamp(-FARTHEST, FARTHEST);
        let unit = self.time_base.scale_ceil(self.rate, 1);
        let near = |exact: &i64| (exact - at).abs() <= unit + 1;
        // The grid is that of most of the track.
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
        // The first frame, whose priming is cut off, only ends on the grid.
        let samples = decoded.samples() as i64;
        let on_grid = grid.frame.and_then(|_| {
            let starts = Some(grid.nearest(at)).filter(near);
            starts.or_else(|| Some(grid.nearest(at + samples) - samples).filter(near))
        });
        // A track that changes its rate on the way leaves the grid: then each follows the one before, and does not
        // come to lie on a rounded stamp.
        on_grid.or_else(|| self.run.next.filter(near)).unwrap_or(at)
    }

    /// Where a stamp means more than one frame (TrueHD's are shorter than a unit of Matroska's stamps), each follows the
    /// one before. Where the first of them lies, the stamps of all that are not kept tell together.
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

    /// The place from which on packets around a time stamp lie on a grid: that of the part's first.
    fn grid_origin(&self, stamp: i64) -> i64 {
        let after = self.parts.partition_point(|first| *first <= stamp);
        let Some(part) = after.checked_sub(1) else {
            return -self.priming;
        };
        let time = seconds(self.parts[part], self.time_base) - self.start;
        time.scale_round(self.rate, 1).clamp(-FARTHEST, FARTHEST)
    }
}

/// Where frames may begin.
struct Grid {
    origin: i64,
    /// Anywhere, where there is none.
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

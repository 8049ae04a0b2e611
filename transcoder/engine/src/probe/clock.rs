//! One time line from time stamps that restart or jump: recordings that were joined, a clock that was set, the
//! programmes of a disc. Where a track's stamps do not go on from where all tracks are, a new part begins, which is
//! laid behind the part before.

use std::collections::HashMap;

use plan::Rational;

/// Microseconds by which the times of sound may go back inside a part: muxers round.
const SOUND_BACK_US: i64 = 100_000;
/// Microseconds by which the decode times of pictures may go back inside a part. Most containers do not store decode
/// times, so they are guessed from the reordering of pictures.
pub const PICTURE_BACK_US: i64 = 1_000_000;
/// Most parts that are told apart.
const MOST_PARTS: usize = 256;
/// Seconds by which a track may overlap itself where parts meet, so that the picture has neither gap nor overlap.
const OVERLAP: Rational = Rational::new(1, 4);

/// Clock that follows all tracks through a source, packet by packet, and assigns them to parts.
pub struct Clock {
    /// Microseconds by which time stamps may jump ahead of all tracks; a larger jump begins another part.
    forward_us: i64,
    picture: Option<u32>,
    tracks: HashMap<u32, Track>,
    /// Approximate shift of the time stamps of each part, in microseconds.
    shifts_us: Vec<i64>,
    /// Time at which the latest packet of any track ends, in microseconds.
    end_us: i64,
}

struct Track {
    part: usize,
    /// Decode time of the track's last packet, shifted, in microseconds.
    last_us: i64,
}

impl Clock {
    /// Makes a clock for a format in which time stamps may pause for `forward_us` microseconds.
    pub fn new(forward_us: i64, picture: Option<u32>) -> Self {
        Self {
            forward_us,
            picture,
            tracks: HashMap::new(),
            shifts_us: vec![0],
            end_us: i64::MIN,
        }
    }

    /// Assigns a track's next packet to a part, by the packet's decode time and duration in microseconds.
    pub fn assign_part(&mut self, stream: u32, time_us: i64, lasts_us: i64) -> usize {
        let known = self
            .tracks
            .get(&stream)
            .map(|track| (track.part, track.last_us));
        let latest = self.end_us;
        let back = match self.picture == Some(stream) {
            true => PICTURE_BACK_US,
            false => SOUND_BACK_US,
        };
        let at = |shifts: &[i64], part: usize| time_us.saturating_add(shifts[part]);
        let goes_on = |time: i64| match known {
            Some((_, last)) => {
                time >= last.saturating_sub(back)
                    && time <= last.max(latest).saturating_add(self.forward_us)
            }
            // A track that begins later must begin at the time at which the others are.
            None => {
                latest == i64::MIN
                    || time.saturating_sub(latest).saturating_abs() <= self.forward_us
            }
        };
        let first = known.map_or(0, |(part, _)| part);
        let parts = first..self.shifts_us.len();
        // Some tracks may have come to a later part already. Of several possible parts, the packet belongs to the one
        // in which it is nearest to the other tracks.
        let possible = parts.filter(|&part| goes_on(at(&self.shifts_us, part)));
        let part = possible.min_by_key(|&part| {
            at(&self.shifts_us, part)
                .saturating_sub(latest)
                .saturating_abs()
        });
        let part = part.unwrap_or_else(|| match known {
            // A track that begins elsewhere than the others may have different stamps throughout the source.
            None if self.shifts_us.len() == 1 && first == 0 => 0,
            // Nobody joins as many recordings by hand, so the stamps are damaged.
            _ if self.shifts_us.len() == MOST_PARTS => MOST_PARTS - 1,
            _ => {
                self.shifts_us.push(latest.max(0).saturating_sub(time_us));
                self.shifts_us.len() - 1
            }
        });
        let time = at(&self.shifts_us, part);
        self.tracks.insert(
            stream,
            Track {
                part,
                last_us: time,
            },
        );
        self.end_us = self.end_us.max(time.saturating_add(lasts_us));
        part
    }

    /// Number of parts of the source so far.
    pub fn parts(&self) -> usize {
        self.shifts_us.len()
    }

    /// Whether the source is one part so far.
    pub fn is_one(&self) -> bool {
        self.shifts_us.len() == 1
    }
}

/// Stretch of time that a track has in one part, in seconds of its own time stamps.
#[derive(Clone, Copy, Debug)]
pub struct Stretch {
    /// Index of the part.
    pub part: usize,
    /// First time and end of the stretch.
    pub span: (Rational, Rational),
}

/// Shifts in seconds of the time stamps of each part, so that the parts lie end to end. The picture has neither gap
/// nor overlap, as long as no sound is lost for that.
pub fn shifts(parts: usize, picture: Option<u32>, tracks: &[(u32, Vec<Stretch>)]) -> Vec<Rational> {
    let mut shifts = vec![Rational::ZERO];
    for part in 1..parts {
        // Shift by which each track of the part would begin where its earlier parts end.
        let moves = tracks.iter().filter_map(|(stream, stretches)| {
            let own = stretches.iter().find(|stretch| stretch.part == part)?;
            let before = stretches.iter().filter(|stretch| stretch.part < part);
            let ends = before.map(|stretch| stretch.span.1 + shifts[stretch.part]);
            Some((*stream, ends.max()? - own.span.0))
        });
        let moves: Vec<(u32, Rational)> = moves.collect();
        let farthest = moves.iter().map(|(_, by)| *by).max();
        let of_picture = moves.iter().find(|(stream, _)| Some(*stream) == picture);
        let by = match (of_picture, farthest) {
            (Some((_, own)), Some(farthest)) if farthest <= *own + OVERLAP => *own,
            (_, Some(farthest)) => farthest,
            // No track goes on from an earlier part, so the part is laid behind all others.
            (_, None) => behind_all(part, &shifts, tracks),
        };
        shifts.push(by);
    }
    shifts
}

fn behind_all(part: usize, shifts: &[Rational], tracks: &[(u32, Vec<Stretch>)]) -> Rational {
    let all = || tracks.iter().flat_map(|(_, stretches)| stretches);
    let before = all().filter(|stretch| stretch.part < part);
    let end = before
        .map(|stretch| stretch.span.1 + shifts[stretch.part])
        .max();
    let own = all().filter(|stretch| stretch.part == part);
    let first = own.map(|stretch| stretch.span.0).min();
    end.unwrap_or_default() - first.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: i64 = 1_000_000;

    /// Parts of the packets of a picture and a sound track, ten packets a second each.
    fn parts(times: impl Iterator<Item = (u32, i64)>) -> Vec<usize> {
        let mut clock = Clock::new(10 * SECOND, Some(0));
        times
            .map(|(stream, time)| clock.assign_part(stream, time, SECOND / 10))
            .collect()
    }

    #[test]
    fn what_restarts_or_jumps_is_another_part_for_every_track() {
        for jump in [-5 * SECOND, -100, 15 * SECOND, 20_000 * SECOND] {
            // The sound jumps three packets later than the picture.
            let time = |at: i64, late: i64| match at >= 50 + late {
                true => 50 * SECOND / 10 + jump + (at - 50) * SECOND / 10,
                false => at * SECOND / 10,
            };
            let both = (0..100).flat_map(|at| [(0, time(at, 0)), (1, time(at, 3))]);
            let found = parts(both);
            let is_two = jump != -100;
            assert_eq!(found.iter().max(), Some(&usize::from(is_two)), "{jump}");
        }
    }

    #[test]
    fn a_sound_that_begins_late_or_pauses_is_no_jump() {
        let picture = (0..400).map(|at| (0, at * SECOND / 10));
        let with_sound = picture.flat_map(|(stream, time)| {
            let has_sound = time > 12 * SECOND && !(15 * SECOND..35 * SECOND).contains(&time);
            [(stream, time)]
                .into_iter()
                .chain(has_sound.then_some((1, time)))
        });
        assert!(parts(with_sound).iter().all(|&part| part == 0));
    }

    #[test]
    fn parts_lie_end_to_end_by_the_picture_unless_sound_is_lost() {
        let second = |tenths: i64| Rational::new(tenths, 10);
        let stretch = |part, from, to| Stretch {
            part,
            span: (second(from), second(to)),
        };
        let picture = (0, vec![stretch(0, 0, 50), stretch(1, 0, 50)]);
        let sound = |end| (1, vec![stretch(0, 0, end), stretch(1, 0, 50)]);
        let by = |end| shifts(2, Some(0), &[picture.clone(), sound(end)])[1];
        assert_eq!(by(51), second(50));
        assert_eq!(by(80), second(80));
        assert_eq!(shifts(2, None, &[sound(40)])[1], second(40));
    }
}

//! Correction of edit lists of several stretches (ISO/IEC 14496-12 §8.6.6). FFmpeg shows the right samples, but
//! starts every stretch except the first with the sample that is decoded first, not with the one that is shown first,
//! so that it is a few pictures off. Where nothing is to be shown, it shows the beginning. The correction is made in
//! FFmpeg's index, from which it takes the times of packets.

use std::collections::HashMap;

use ffmpeg_next::format::context::Input;
use ffmpeg_next::{Error, Stream};
use plan::Rational;

use crate::ffi::{self, IndexEntry};
use crate::input::boxes::{Edit, EditList};
use crate::input::times::rational;

/// Corrects the index of every track that has one of these lists. `open_whole` opens the source without its edit
/// lists.
pub fn follow(
    input: &mut Input,
    lists: &[EditList],
    open_whole: impl FnOnce() -> Result<Input, Error>,
) -> Result<(), Error> {
    let tracks: Vec<(usize, &EditList)> = input
        .streams()
        .filter_map(|stream| {
            let number = u32::try_from(stream.id()).ok()?;
            let list = lists.iter().find(|list| list.track == number)?;
            Some((stream.index(), list))
        })
        .collect();
    if tracks.is_empty() {
        return Ok(());
    }
    let whole = open_whole()?;
    for (index, list) in tracks {
        let Some(stream) = input.stream(index) else {
            continue;
        };
        let entries = ffi::index_entries(&stream);
        if let Some(right) =
            Track::new(&stream, &whole, list).and_then(|track| track.right(&entries))
        {
            ffi::change_index(&stream, &right);
        }
    }
    Ok(())
}

/// Whether a list has several stretches, which FFmpeg times wrongly. FFmpeg is right about a single stretch, also
/// with nothing after it.
pub fn is_of_several(list: &EditList) -> bool {
    stretches(list).len() > 1
}

/// Stretches from the first that is shown on, each with its start on the time line in the list's units.
fn stretches(list: &EditList) -> Vec<(u64, Edit)> {
    let starts = list.edits.iter().scan(0u64, |end, edit| {
        let start = *end;
        *end = end.saturating_add(edit.duration);
        Some((start, *edit))
    });
    starts.skip_while(|(_, edit)| edit.start < 0).collect()
}

/// Track, together with the same track read without its edit list.
struct Track {
    stretches: Vec<(u64, Edit)>,
    scale: i64,
    time_base: Rational,
    is_picture: bool,
    /// Numbers of samples by their byte position in the file.
    numbers: HashMap<i64, usize>,
    samples: Vec<IndexEntry>,
}

impl Track {
    fn new(stream: &Stream, whole: &Input, list: &EditList) -> Option<Self> {
        let samples = ffi::index_entries(&whole.stream(stream.index())?);
        let numbers = samples.iter().enumerate();
        let numbers: HashMap<i64, usize> = numbers
            .map(|(number, sample)| (sample.position(), number))
            .collect();
        let is_picture = stream.parameters().medium() == ffmpeg_next::media::Type::Video;
        // Samples at the same position cannot be told apart.
        (numbers.len() == samples.len()).then_some(Self {
            stretches: stretches(list),
            scale: i64::from(list.scale),
            time_base: rational(stream.time_base()),
            is_picture,
            numbers,
            samples,
        })
    }

    /// Computes the corrected index; none where FFmpeg's index does not have the stretches of the list.
    fn right(&self, entries: &[IndexEntry]) -> Option<Vec<IndexEntry>> {
        let runs = self.runs(entries)?;
        if runs.len() != self.stretches.len() {
            return None;
        }
        let mut right = entries.to_vec();
        for (at, run) in runs.iter().enumerate().skip(1) {
            let (start, edit) = self.stretches[at];
            let first = run[0];
            // An empty stretch shows nothing, and a held moment of sound is not heard.
            let is_silent = edit.start < 0 || edit.rate == 0 && !self.is_picture;
            let stamp = entries[first].timestamp;
            let late = match is_silent {
                true => 0,
                false => self
                    .stamp(start, edit, &entries[first])?
                    .checked_sub(stamp)?,
            };
            for &entry in run {
                right[entry].timestamp = right[entry].timestamp.saturating_add(late);
                right[entry].shown = !is_silent && (edit.rate != 0 || entry == first);
            }
        }
        // Samples that are decoded only for others, before or after a stretch, have no time of their own; searches in
        // the index need rising times.
        for at in (0..right.len().saturating_sub(1)).rev() {
            if !right[at].shown {
                right[at].timestamp = right[at].timestamp.min(right[at + 1].timestamp);
            }
        }
        Some(right)
    }

    /// Finds the shown entries of each stretch: inside a stretch, the distances of decode times are those of the
    /// samples, and no entry lies after the stretch's end.
    fn runs(&self, entries: &[IndexEntry]) -> Option<Vec<Vec<usize>>> {
        let mut runs: Vec<Vec<usize>> = Vec::new();
        let ends: Vec<i64> = self
            .stretches
            .iter()
            .map(|(_, edit)| self.end(edit))
            .collect();
        for (at, entry) in entries.iter().enumerate().filter(|(_, entry)| entry.shown) {
            let number = *self.numbers.get(&entry.position())?;
            let goes_on = runs.last().and_then(|run| run.last()).is_some_and(|&last| {
                let before: &IndexEntry = &entries[last];
                let passed = entry.timestamp.checked_sub(before.timestamp);
                let from = self.numbers.get(&before.position());
                let end = ends.get(runs.len() - 1).copied().unwrap_or(i64::MAX);
                from.is_some_and(|&from| {
                    let (from, to) = (self.samples[from].timestamp, self.samples[number].timestamp);
                    from < to && to < end && passed == to.checked_sub(from)
                })
            });
            match runs.last_mut() {
                Some(run) if goes_on => run.push(at),
                _ => runs.push(vec![at]),
            }
        }
        Some(runs)
    }

    /// End of a stretch among the samples, in the track's time base.
    fn end(&self, edit: &Edit) -> i64 {
        let duration = i64::try_from(edit.duration).unwrap_or(i64::MAX);
        let duration = Rational::checked(duration, self.scale).unwrap_or(Rational::ZERO);
        let ticks = duration.scale_round(self.time_base.den(), self.time_base.num());
        edit.start.saturating_add(ticks)
    }

    /// Decode time of a stretch's first entry that makes FFmpeg show it on time: the delay between decoding and
    /// showing is the same as among the samples.
    fn stamp(&self, start: u64, edit: Edit, first: &IndexEntry) -> Option<i64> {
        let sample = self.samples[*self.numbers.get(&first.position())?];
        let start = Rational::checked(i64::try_from(start).ok()?, self.scale)?;
        let start = start.scale_round(self.time_base.den(), self.time_base.num());
        start.checked_add(sample.timestamp)?.checked_sub(edit.start)
    }
}

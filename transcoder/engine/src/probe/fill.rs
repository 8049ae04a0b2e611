//! From what packets told to what is known of tracks: starts, ends, rates.

use std::collections::HashMap;

use anyhow::Result;
use ffmpeg_next::format::context::Input;
use plan::media_info::{AudioTrack, Join, VideoTrack};
use plan::{Code, Note, Rational};

use super::observed_track::{ObservedTrack, typical_step};
use super::pictures::rate::Rate;
use super::pictures::{coded, rate};
use super::tracks::DeclaredTracks;
use crate::ffi;
use crate::input::source::Source;
use crate::input::times::{rational, seconds};

/// Lengths that differ by less are not worth a word.
const WORTH_SAYING: Rational = Rational::new(1, 2);
/// A last picture that lasts so many times longer than any other was not meant to.
const OUTLASTS: i64 = 10;
/// So long the end of a film may stand still.
const HELD: Rational = Rational::new(5, 1);
/// Tracks that lie further apart count from different days.
const FAR_APART: Rational = Rational::new(60, 1);

/// Where the packets come from.
pub struct Looked {
    /// The demuxer's index of the picture.
    pub entries: Vec<ffi::IndexEntry>,
    /// Whether that has every picture; places to begin otherwise.
    pub lists_all: bool,
    /// Whether all packets were read.
    pub is_scan: bool,
    /// Pictures per second, where that is certain.
    pub rate: Option<Rational>,
}

/// Fills in times and rates; false where a track that was to be shown has no packet.
pub fn fill(
    source: &Source,
    input: &Input,
    found: &mut DeclaredTracks,
    seen: &mut HashMap<u32, ObservedTrack>,
    looked: &Looked,
) -> Result<bool> {
    sounds(found, seen);
    let sound_ends = found.audio.iter().map(|audio| audio.end).max();
    let step = found.picture_step.unwrap_or(Rational::ZERO);
    let DeclaredTracks { video, notes, .. } = found;
    if let Some(video) = video {
        let Some(pictures) = seen.get_mut(&video.stream).filter(|s| s.first.is_some()) else {
            return Ok(false);
        };
        let stamps = picture(source, input, video, (pictures, step), looked)?;
        let length = last_picture(video, pictures, &stamps, sound_ends);
        if let Some(corrected) = length {
            let message = format!(
                "The last picture is said to last until {:.0} s, longer than anything else in the file; it is shown \
                 until {:.1} s.",
                video.end.as_f64(),
                corrected.as_f64()
            );
            if video.end - corrected > WORTH_SAYING {
                notes.push(Note::new(Code::LengthCorrected, message).of_track(video.stream));
            }
            video.end = corrected;
        }
    }
    Ok(found.video.is_some() || !found.audio.is_empty())
}

fn picture(
    source: &Source,
    input: &Input,
    video: &mut VideoTrack,
    (pictures, step): (&mut ObservedTrack, Rational),
    looked: &Looked,
) -> Result<Vec<i64>> {
    let entries = &looked.entries[..];
    let declared: Vec<Rational> = input
        .stream(video.stream as usize)
        .map(|s| vec![rational(s.avg_frame_rate()), rational(s.rate())])
        .unwrap_or_default();
    let stamps: Vec<i64> = if looked.lists_all {
        entries.iter().map(|entry| entry.timestamp).collect()
    } else {
        pictures.stamps.sort_unstable();
        pictures.stamps.clone()
    };
    let mut stamps = rate::of_shown(&video.codec, &stamps, video.time_base);
    let mut rate = rate::measure(&stamps, video.time_base, &declared);
    let mut end = pictures.end;
    if let Some(certain) = looked.rate {
        rate = Rate::constant(certain);
    }
    // Stamps of two kinds make no rate.
    if !rate.constant
        && let Some((decoded, last)) = pictures.by_decoding()
    {
        let by_decoding = rate::measure(&decoded, video.time_base, &declared);
        if by_decoding.constant {
            (stamps, rate, end) = (decoded, by_decoding, Some(last));
        }
    }
    // Packets of single fields come twice as often as pictures do.
    let is_halved = step.scale_round(2 * rate.rate.num(), rate.rate.den()) >= 3;
    let fields = if video.interlaced && (is_halved || video.fields_apart) {
        2
    } else {
        1
    };
    let by_fields = |rate: Rational| Rational::new(rate.num(), rate.den().saturating_mul(fields));
    (video.frame_rate, video.constant_rate) = (by_fields(rate.rate), rate.constant);
    video.rate_p95 = rate.p95.map(by_fields);
    let is_counted = looked.lists_all || looked.is_scan;
    video.frames = is_counted.then_some(stamps.len() as u64 / fields as u64);
    video.longest_gop = match looked.lists_all {
        true => longest_gop(entries),
        false => longest_between(entries, video.time_base, video.frame_rate),
    };
    video.open_gops = pictures.open_gops;
    let record = pictures.record.take().filter(|_| looked.lists_all);
    video.coded = record.and_then(|record| {
        let (time_base, rate) = (video.time_base, video.frame_rate);
        let reorder_frames = reorder_frames(input, video.stream)?;
        coded::pictures(source, &record, reorder_frames, entries, time_base, rate)
    });
    let (first, end) = (pictures.first.unwrap_or(0), end.unwrap_or(0));
    video.start = seconds(first, video.time_base);
    video.end = seconds(end, video.time_base);
    let one = Rational::checked(rate.rate.den(), rate.rate.num()).unwrap_or(Rational::ZERO);
    if video.end <= video.start {
        video.end = video.start + one;
    }
    Ok(stamps)
}

/// Where the last picture ends, if that is not where it says: it lasts longer than any other, and than the sound.
fn last_picture(
    video: &VideoTrack,
    pictures: &ObservedTrack,
    stamps: &[i64],
    sound_ends: Option<Rational>,
) -> Option<Rational> {
    let steps = stamps
        .windows(2)
        .map(|pair| pair[1].saturating_sub(pair[0]));
    let longest = steps.max().unwrap_or(0).max(pictures.longest);
    let last = pictures.end?.checked_sub(pictures.last_duration)?;
    let typical = match typical_step(stamps) {
        Some(step) => step,
        // A single picture lasts as long as the sound does, or as long as it says.
        None => sound_ends.map(|_| 0)?,
    };
    if pictures.last_duration <= longest.max(typical).saturating_mul(OUTLASTS) {
        return None;
    }
    let least = seconds(last.saturating_add(typical), video.time_base);
    let end = sound_ends.map_or(least, |sound| sound.max(least));
    (video.end > end + HELD && end > video.start).then_some(end)
}

fn sounds(found: &mut DeclaredTracks, seen: &mut HashMap<u32, ObservedTrack>) {
    let DeclaredTracks {
        audio,
        notes,
        skipped,
        ..
    } = found;
    audio.retain_mut(|audio| {
        let is_heard = match seen.get_mut(&audio.stream).filter(|s| s.first.is_some()) {
            Some(sound) => {
                if let Some(message) = sound_times(audio, sound) {
                    notes.push(Note::new(Code::LengthCorrected, message).of_track(audio.stream));
                }
                audio.end > audio.start
            }
            None => false,
        };
        if !is_heard {
            skipped.push(super::tracks::skipped_sound(audio, "it holds no sound"));
        }
        is_heard
    });
}

fn sound_times(audio: &mut AudioTrack, sound: &mut ObservedTrack) -> Option<String> {
    let (first, mut end) = (sound.first.unwrap_or(0), sound.end.unwrap_or(0));
    let mut message = None;
    // The last packet lasts longer than any other, by more than a codec's frames do.
    let second = audio.time_base.den() / audio.time_base.num().max(1);
    if sound.longest > 0 && sound.last_duration > sound.longest.saturating_mul(2).max(second) {
        let said = seconds(end, audio.time_base);
        end = end
            .saturating_sub(sound.last_duration)
            .saturating_add(sound.longest);
        message = Some(format!(
            "The last sound is said to last until {:.0} s, longer than its packet can hold; it was not believed.",
            said.as_f64()
        ));
    }
    audio.first_pts = first;
    audio.setups = std::mem::take(&mut sound.setups);
    let rate = i64::from(audio.sample_rate.max(1));
    // The packet's own word, else the container's. Packets before the edit list's first are
    // part of it.
    if sound.priming > 0 {
        let outside = seconds(
            first.saturating_sub(sound.begin.unwrap_or(first)),
            audio.time_base,
        );
        let outside = outside.scale_round(rate, 1).max(0);
        audio.priming = (i64::from(sound.priming) - outside).max(0) as u32;
    }
    let samples = |count: u32| Rational::new(i64::from(count), rate);
    audio.start = seconds(first, audio.time_base) + samples(audio.priming);
    audio.end = seconds(end, audio.time_base) - samples(sound.padding);
    message
}

/// Tracks that count from different days are taken to start together.
pub fn align(found: &mut DeclaredTracks, joins: &mut Vec<Join>) {
    let first = match &found.video {
        Some(video) => Some((video.start, video.end)),
        None => found.audio.first().map(|audio| (audio.start, audio.end)),
    };
    let Some((start, end)) = first else { return };
    for audio in &mut found.audio {
        let is_apart = audio.start > end + FAR_APART || audio.end + FAR_APART < start;
        if !is_apart || joins.iter().any(|join| join.stream == audio.stream) {
            continue;
        }
        let base = audio.time_base;
        let shift = (start - audio.start).scale_round(base.den(), base.num().max(1));
        let by = seconds(shift, base);
        audio.start = audio.start + by;
        audio.end = audio.end + by;
        audio.first_pts = audio.first_pts.saturating_add(shift);
        for setup in &mut audio.setups {
            setup.pts = setup.pts.saturating_add(shift);
        }
        joins.push(Join {
            stream: audio.stream,
            position: 0,
            shift,
            first: audio.first_pts,
        });
        let message = "The time stamps of the sound lie far from those of the picture; both were taken to start together.";
        found
            .notes
            .push(Note::new(Code::TimeJoined, message).of_track(audio.stream));
    }
}

/// How many frames a picture is decoded later than its place in the order of presentation, at most, by the composition
/// times of all.
fn reorder_frames(input: &Input, stream: u32) -> Option<u32> {
    /// What H.264 allows (ITU-T H.264 §E.2.1).
    const MOST: i32 = 16;
    let stream = input.stream(stream as usize)?;
    let delay = ffi::declared(&stream.parameters()).video_delay;
    (0..=MOST).contains(&delay).then_some(delay as u32)
}

fn longest_gop(entries: &[ffi::IndexEntry]) -> Option<u64> {
    let keys = entries
        .iter()
        .enumerate()
        .filter(|(_, e)| e.key)
        .map(|(at, _)| at as u64);
    let bounds: Vec<u64> = keys.chain([entries.len() as u64]).collect();
    bounds.windows(2).map(|w| w[1] - w[0]).max()
}

/// The longest way between two places, in pictures.
fn longest_between(
    entries: &[ffi::IndexEntry],
    time_base: Rational,
    rate: Rational,
) -> Option<u64> {
    let steps = entries
        .windows(2)
        .map(|pair| pair[1].timestamp.saturating_sub(pair[0].timestamp));
    let longest = seconds(steps.max()?, time_base);
    u64::try_from(longest.scale_ceil(rate.num(), rate.den())).ok()
}

//! Derivation of the facts about tracks from their packets: starts, ends, rates. Observed packets go in; the fields
//! of the declared tracks are filled in.

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

/// Seconds from which on a corrected duration is worth a note.
const LEAST_NOTED: Rational = Rational::new(1, 2);
/// Number of times that the last picture's duration exceeds every other one from which on it counts as wrong.
const IMPLAUSIBLE_FACTOR: i64 = 10;
/// Seconds for which the last picture of a film may plausibly be held.
const PLAUSIBLE_HOLD: Rational = Rational::new(5, 1);
/// Seconds between two tracks from which on their clocks count as unrelated.
const FAR_APART: Rational = Rational::new(60, 1);

/// Source of the packets that were observed.
pub struct Coverage {
    /// Demuxer's index of the picture track.
    pub entries: Vec<ffi::IndexEntry>,
    /// Whether that index lists every picture; otherwise it lists only places at which reading can begin.
    pub lists_all: bool,
    /// Whether all packets were read.
    pub is_scan: bool,
    /// Pictures per second, where the rate is certain.
    pub rate: Option<Rational>,
}

/// Fills in the times and rates of all tracks; false where a track that was to be shown has no packet.
pub fn fill_tracks(
    source: &Source,
    input: &Input,
    found: &mut DeclaredTracks,
    seen: &mut HashMap<u32, ObservedTrack>,
    coverage: &Coverage,
) -> Result<bool> {
    fill_sounds(found, seen);
    let sound_ends = found.audio.iter().map(|audio| audio.end).max();
    let step = found.picture_step.unwrap_or(Rational::ZERO);
    let DeclaredTracks { video, notes, .. } = found;
    if let Some(video) = video {
        let Some(pictures) = seen.get_mut(&video.stream).filter(|s| s.first.is_some()) else {
            return Ok(false);
        };
        let stamps = fill_picture(source, input, video, (pictures, step), coverage)?;
        let length = corrected_end(video, pictures, &stamps, sound_ends);
        if let Some(corrected) = length {
            let message = format!(
                "The file declares that its last picture lasts until {:.0} s, longer than anything else; it is shown \
                 until {:.1} s.",
                video.end.as_f64(),
                corrected.as_f64()
            );
            if video.end - corrected > LEAST_NOTED {
                notes.push(Note::new(Code::LengthCorrected, message).of_track(video.stream));
            }
            video.end = corrected;
        }
    }
    Ok(found.video.is_some() || !found.audio.is_empty())
}

fn fill_picture(
    source: &Source,
    input: &Input,
    video: &mut VideoTrack,
    (pictures, step): (&mut ObservedTrack, Rational),
    coverage: &Coverage,
) -> Result<Vec<i64>> {
    let entries = &coverage.entries[..];
    let declared: Vec<Rational> = input
        .stream(video.stream as usize)
        .map(|s| vec![rational(s.avg_frame_rate()), rational(s.rate())])
        .unwrap_or_default();
    let stamps: Vec<i64> = if coverage.lists_all {
        entries.iter().map(|entry| entry.timestamp).collect()
    } else {
        pictures.stamps.sort_unstable();
        pictures.stamps.clone()
    };
    let mut stamps = rate::of_shown(&video.codec, &stamps, video.time_base);
    let mut rate = rate::measure(&stamps, video.time_base, &declared);
    let mut end = pictures.end;
    if let Some(certain) = coverage.rate {
        rate = Rate::constant(certain);
    }
    // Presentation times that mix two kinds of stamps give no rate; decode times may.
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
    let is_counted = coverage.lists_all || coverage.is_scan;
    video.frames = is_counted.then_some(stamps.len() as u64 / fields as u64);
    video.longest_gop = match coverage.lists_all {
        true => longest_gop(entries),
        false => longest_distance(entries, video.time_base, video.frame_rate),
    };
    video.open_gops = pictures.open_gops;
    let record = pictures.record.take().filter(|_| coverage.lists_all);
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

/// Corrected end of the picture track; none unless the last picture is said to last much longer than any other, and
/// than the sound.
fn corrected_end(
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
        // A single picture lasts as long as the sound, or as long as it declares.
        None => sound_ends.map(|_| 0)?,
    };
    if pictures.last_duration <= longest.max(typical).saturating_mul(IMPLAUSIBLE_FACTOR) {
        return None;
    }
    let least = seconds(last.saturating_add(typical), video.time_base);
    let end = sound_ends.map_or(least, |sound| sound.max(least));
    (video.end > end + PLAUSIBLE_HOLD && end > video.start).then_some(end)
}

fn fill_sounds(found: &mut DeclaredTracks, seen: &mut HashMap<u32, ObservedTrack>) {
    let DeclaredTracks {
        audio,
        notes,
        skipped,
        ..
    } = found;
    audio.retain_mut(|audio| {
        let is_heard = match seen.get_mut(&audio.stream).filter(|s| s.first.is_some()) {
            Some(sound) => {
                if let Some(message) = fill_sound_times(audio, sound) {
                    notes.push(Note::new(Code::LengthCorrected, message).of_track(audio.stream));
                }
                audio.end > audio.start
            }
            None => false,
        };
        if !is_heard {
            skipped.push(super::tracks::skipped_sound(audio, "it contains no sound"));
        }
        is_heard
    });
}

fn fill_sound_times(audio: &mut AudioTrack, sound: &mut ObservedTrack) -> Option<String> {
    let (first, mut end) = (sound.first.unwrap_or(0), sound.end.unwrap_or(0));
    let mut message = None;
    // The last packet is said to last longer than any other, by more than a codec's frames do.
    let second = audio.time_base.den() / audio.time_base.num().max(1);
    if sound.longest > 0 && sound.last_duration > sound.longest.saturating_mul(2).max(second) {
        let said = seconds(end, audio.time_base);
        end = end
            .saturating_sub(sound.last_duration)
            .saturating_add(sound.longest);
        message = Some(format!(
            "The file declares that its last sound lasts until {:.0} s, longer than the packet can hold; this is ignored.",
            said.as_f64()
        ));
    }
    audio.first_pts = first;
    audio.setups = std::mem::take(&mut sound.setups);
    let rate = i64::from(audio.sample_rate.max(1));
    // The priming that the packet declares comes before the container's. Packets before the edit list's first one are
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

/// Moves tracks whose clocks are unrelated to the picture's so that they start together with it.
pub fn align_clocks(found: &mut DeclaredTracks, joins: &mut Vec<Join>) {
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
        let message = "The time stamps of the sound are far from those of the picture; both are played from the same start.";
        found
            .notes
            .push(Note::new(Code::TimeJoined, message).of_track(audio.stream));
    }
}

/// Most frames by which a picture is decoded later than its place in presentation order, from the composition times
/// of all pictures.
fn reorder_frames(input: &Input, stream: u32) -> Option<u32> {
    /// Most frames of delay that H.264 allows (ITU-T H.264 §E.2.1).
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

/// Longest distance between two places of the index, in pictures.
fn longest_distance(
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

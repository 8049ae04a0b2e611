//! Facts from decoded sound: its rate and channels, the place where its samples really start, and the grid of its
//! packets where neither its codec nor its time stamps tell it.

use std::collections::HashMap;

use ffmpeg_next::format::context::Input;
use ffmpeg_next::{Packet, frame};
use plan::media_info::AudioTrack;
use plan::{Code, Note, Rational};

use super::kinds::CodingKind;
use super::observed_track::ObservedTrack;
use super::tracks::DeclaredTracks;
use crate::audio::decoder::SoundDecoder;
use crate::audio::mix::Layout;
use crate::ffi;
use crate::input::times::seconds;

/// Longest start in seconds that may be undecodable without being damaged: decoders need a frame or two before
/// they give sound.
const USUAL_DELAY: Rational = Rational::new(1, 4);

/// Decoded frame.
struct Frame {
    samples: u32,
    stamp: Option<i64>,
}

/// Format to which the packets of one kind decode.
#[derive(Clone, PartialEq, Eq)]
struct Format {
    rate: u32,
    layout: Layout,
    name: String,
}

/// First frames of a track.
pub struct FirstFrames {
    frames: Vec<Frame>,
    /// Whether these frames are all of the track.
    is_whole: bool,
}

/// Fills in rates and channels by what most packets decode to, and adds notes where they change or are guessed.
/// Tracks of which nothing decodes are left out.
pub fn fill_formats(
    input: &Input,
    found: &mut DeclaredTracks,
    seen: &HashMap<u32, ObservedTrack>,
) -> HashMap<u32, FirstFrames> {
    let mut heads = HashMap::new();
    let mut silent = Vec::new();
    for mut track in std::mem::take(&mut found.audio) {
        let kinds = seen.get(&track.stream).map(|seen| &seen.kinds);
        let decoded: Vec<(u64, Vec<Frame>, Format)> = kinds
            .into_iter()
            .flat_map(|kinds| kinds.in_order())
            .filter_map(|kind| {
                let (frames, format) = decode(input, &track, kind)?;
                Some((kind.count, frames, format))
            })
            .collect();
        let mut counts: Vec<(&Format, u64)> = Vec::new();
        for (count, _, format) in &decoded {
            match counts.iter_mut().find(|(known, _)| known == &format) {
                Some((_, known)) => *known += count,
                None => counts.push((format, *count)),
            }
        }
        let Some((most, _)) = counts.iter().max_by_key(|(_, count)| *count) else {
            silent.push(track);
            continue;
        };
        note_changes(found, &track, most, counts.len());
        let usual = kinds.map(|kinds| kinds.by_count());
        if usual.is_some_and(|kinds| {
            kinds
                .first()
                .is_some_and(|kind| kind.is_dual_mono(&track.codec))
        }) {
            let message = "The sound declares its two channels as independent sounds, perhaps two languages; they are played together, one on each side.";
            found
                .notes
                .push(Note::new(Code::Guessed, message).of_track(track.stream));
        }
        track.sample_rate = most.rate;
        track.channels = most.layout.places.len() as u32;
        track.layout.clone_from(&most.name);
        track.surround = most.layout.is_surround() && most.layout.is_declared;
        let packets = kinds.map_or(0, |kinds| kinds.in_order().map(|kind| kind.count).sum());
        if let Some((_, frames, _)) = decoded.into_iter().next() {
            let is_whole = packets <= frames.len() as u64 + 1;
            heads.insert(track.stream, FirstFrames { frames, is_whole });
        }
        found.audio.push(track);
    }
    for track in silent {
        found.skip_silent(&track);
    }
    heads
}

fn note_changes(found: &mut DeclaredTracks, track: &AudioTrack, most: &Format, formats: usize) {
    if formats > 1 {
        let message = format!(
            "The sound changes its channels or its sample rate inside the file; all of it is converted to {} at {} Hz.",
            most.name, most.rate
        );
        found
            .notes
            .push(Note::new(Code::FormatChanges, message).of_track(track.stream));
    }
    let channels = most.layout.places.len();
    if !most.layout.is_declared && channels > 2 {
        let message = format!(
            "The file does not declare the places of its sound's {channels} channels; the usual places are assumed."
        );
        found
            .notes
            .push(Note::new(Code::Guessed, message).of_track(track.stream));
    }
}

fn decode(input: &Input, track: &AudioTrack, kind: &CodingKind) -> Option<(Vec<Frame>, Format)> {
    let stream = input.stream(track.stream as usize)?;
    let mut decoder = SoundDecoder::open(&stream, None).ok()?;
    let mut frames = Vec::new();
    let mut format = None;
    let mut receive = |decoder: &mut SoundDecoder| {
        let mut decoded = frame::Audio::empty();
        while decoder.receive(&mut decoded).is_ok() {
            if decoded.rate() > 0 && decoded.samples() > 0 {
                // The format of the last frame counts, since decoders may find theirs late.
                format = Some(Format {
                    rate: decoded.rate(),
                    layout: Layout::of(&decoded),
                    name: ffi::layout_name(&decoded),
                });
            }
            frames.push(Frame {
                samples: decoded.samples() as u32,
                stamp: ffi::best_timestamp(&decoded),
            });
        }
    };
    for packet in &kind.first {
        let packet: &Packet = packet;
        // A packet that cannot be decoded is silence.
        let _ = decoder.send(packet);
        receive(&mut decoder);
    }
    decoder.end();
    receive(&mut decoder);
    format
        .filter(|format: &Format| !format.layout.places.is_empty())
        .map(|format| (frames, format))
}

/// Finds the first sample of each sound track.
///
/// For codecs without a fixed frame length (PCM, FLAC, Opus; Vorbis, whose first packet has no sound), all stamps
/// together tell it better than the first alone. Where stamps are coarser than samples (Matroska's are whole
/// milliseconds), the packets' grid starts there too: packet lengths have a common divisor (Vorbis: a quarter of its
/// short block), and where that is longer than the stamps' unit, a stamp means one place.
///
/// A track of another codec starts at the first frame that decodes, where the packets before it have no sound.
pub fn fill_starts(found: &mut DeclaredTracks, mut heads: HashMap<u32, FirstFrames>) {
    for track in &mut found.audio {
        let Some(FirstFrames {
            mut frames,
            is_whole,
        }) = heads.remove(&track.stream)
        else {
            continue;
        };
        let said = track.start;
        // The very last frame of a track may be cut.
        if is_whole && frames.len() > 1 {
            frames.pop();
        }
        match track.frame_samples {
            None => without_grid(track, frames),
            Some(samples) => from_first(track, &frames, samples),
        }
        found.notes.extend(note_undecodable_start(track, said));
    }
}

fn without_grid(track: &mut AudioTrack, mut frames: Vec<Frame>) {
    let rate = i64::from(track.sample_rate);
    let unit = track.time_base.scale_ceil(rate, 1);
    // The decoder has cut off the priming.
    if let Some(first) = frames.first_mut() {
        first.samples = first.samples.saturating_add(track.priming);
    }
    let grid = frames
        .iter()
        .map(|frame| frame.samples)
        .reduce(greatest_common_divisor);
    track.frame_samples = grid.filter(|&grid| unit > 1 && i64::from(grid) >= unit);
    if track.priming == 0
        && let Some(first) = first_sample(&frames, track.time_base, rate, unit)
    {
        track.start = Rational::new(first, rate);
    }
}

/// Moves the start of a track whose first sound comes a frame or more after its declared start.
fn from_first(track: &mut AudioTrack, frames: &[Frame], samples: u32) {
    let stamp = frames.first().and_then(|first| first.stamp);
    let Some(heard) = stamp.map(|stamp| seconds(stamp, track.time_base)) else {
        return;
    };
    let frame = Rational::new(i64::from(samples), i64::from(track.sample_rate));
    if heard >= track.start + frame && heard < track.end {
        track.start = heard;
        track.priming = 0;
    }
}

/// Note that the first packets of a track cannot be decoded; none where its sound starts about when it should.
fn note_undecodable_start(track: &AudioTrack, said: Rational) -> Option<Note> {
    let missing = track.start - said;
    let message = format!(
        "The first {:.2} s of the sound cannot be decoded; the sound starts after them.",
        missing.as_f64()
    );
    (missing >= USUAL_DELAY).then(|| Note::new(Code::Corrupt, message).of_track(track.stream))
}

/// Place of the first frame in samples, on which the stamps agree up to their rounding. It is the place that the
/// first stamp gives, if that is possible, since most tracks start at a whole unit; otherwise the middle of what the
/// stamps give.
fn first_sample(frames: &[Frame], time_base: Rational, rate: i64, unit: i64) -> Option<i64> {
    let mut before = 0;
    let mut said = Vec::new();
    for frame in frames {
        let first = seconds(frame.stamp?, time_base).scale_round(rate, 1);
        let first = first.clamp(i64::MIN / 4, i64::MAX / 4) - before;
        said.push(first);
        let (least, most) = (said.iter().min()?, said.iter().max()?);
        if most - least > unit {
            said.pop();
            break;
        }
        before += i64::from(frame.samples);
    }
    let (first, least, most) = (said.first()?, said.iter().min()?, said.iter().max()?);
    let is_possible = 2 * (first - least).max(most - first) <= unit;
    Some(if is_possible {
        *first
    } else {
        least.midpoint(*most)
    })
}

/// Greatest common divisor of two numbers.
fn greatest_common_divisor(a: u32, b: u32) -> u32 {
    if b == 0 {
        a
    } else {
        greatest_common_divisor(b, a % b)
    }
}

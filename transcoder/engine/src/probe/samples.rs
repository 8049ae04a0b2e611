//! What sound is like once it is decoded: its rate and channels, where its samples really start, and the grid that its
//! packets lie on where neither its codec nor its time stamps tell it.

use std::collections::HashMap;

use ffmpeg_next::format::context::Input;
use ffmpeg_next::{Packet, frame};
use plan::media_info::AudioTrack;
use plan::{Code, Note, Rational};

use super::kinds::Kind;
use super::observed_track::ObservedTrack;
use super::tracks::DeclaredTracks;
use crate::audio::decoder::SoundDecoder;
use crate::audio::mix::Layout;
use crate::ffi;
use crate::input::times::seconds;

/// Decoders need a frame or two before they give sound, which is no damage: less than this, in seconds.
const USUAL_DELAY: Rational = Rational::new(1, 4);

/// A decoded frame.
struct Frame {
    samples: u32,
    stamp: Option<i64>,
}

/// What packets of one kind decode to.
#[derive(Clone, PartialEq, Eq)]
struct Format {
    rate: u32,
    layout: Layout,
    name: String,
}

/// The first frames of a track.
pub struct Head {
    frames: Vec<Frame>,
    /// Whether the track has no more.
    is_whole: bool,
}

/// Fills in rates and channels, by what most packets decode to; says where they change, or are guessed. Tracks of which
/// nothing decodes are left out.
pub fn formats(
    input: &Input,
    found: &mut DeclaredTracks,
    seen: &HashMap<u32, ObservedTrack>,
) -> HashMap<u32, Head> {
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
        say(found, &track, most, counts.len());
        let usual = kinds.map(|kinds| kinds.by_count());
        if usual.is_some_and(|kinds| {
            kinds
                .first()
                .is_some_and(|kind| kind.is_dual_mono(&track.codec))
        }) {
            let message = "The sound says that its two channels are two sounds of their own, perhaps two languages; they are heard together, one on each side.";
            found
                .notes
                .push(Note::new(Code::Guessed, message).of_track(track.stream));
        }
        track.sample_rate = most.rate;
        track.channels = most.layout.places.len() as u32;
        track.layout.clone_from(&most.name);
        track.surround = most.layout.is_surround() && most.layout.is_said;
        let packets = kinds.map_or(0, |kinds| kinds.in_order().map(|kind| kind.count).sum());
        if let Some((_, frames, _)) = decoded.into_iter().next() {
            let is_whole = packets <= frames.len() as u64 + 1;
            heads.insert(track.stream, Head { frames, is_whole });
        }
        found.audio.push(track);
    }
    for track in silent {
        found.skip_silent(&track);
    }
    heads
}

fn say(found: &mut DeclaredTracks, track: &AudioTrack, most: &Format, formats: usize) {
    if formats > 1 {
        let message = format!(
            "The sound changes its channels or its sample rate on the way; all of it was brought to {} at {} Hz.",
            most.name, most.rate
        );
        found
            .notes
            .push(Note::new(Code::FormatChanges, message).of_track(track.stream));
    }
    let channels = most.layout.places.len();
    if !most.layout.is_said && channels > 2 {
        let message = format!(
            "The file does not say where the {channels} channels of the sound belong; the usual places were taken."
        );
        found
            .notes
            .push(Note::new(Code::Guessed, message).of_track(track.stream));
    }
}

fn decode(input: &Input, track: &AudioTrack, kind: &Kind) -> Option<(Vec<Frame>, Format)> {
    let stream = input.stream(track.stream as usize)?;
    let mut decoder = SoundDecoder::open(&stream, None).ok()?;
    let mut frames = Vec::new();
    let mut format = None;
    let mut receive = |decoder: &mut SoundDecoder| {
        let mut decoded = frame::Audio::empty();
        while decoder.receive(&mut decoded).is_ok() {
            if decoded.rate() > 0 && decoded.samples() > 0 {
                // The last is what it stays at.
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
        // What cannot be decoded is silence.
        let _ = decoder.send(packet);
        receive(&mut decoder);
    }
    decoder.end();
    receive(&mut decoder);
    format
        .filter(|format: &Format| !format.layout.places.is_empty())
        .map(|format| (frames, format))
}

/// Finds the first sample of tracks whose codec has no fixed frame (PCM, FLAC, Opus; Vorbis,
/// whose first packet has no sound): all the stamps together tell it better than the first
/// does. And their grid, which starts there, where stamps are coarser than samples (Matroska's
/// are whole milliseconds): the packets' lengths have a common divisor (Vorbis: a quarter of
/// its short block), and where that is longer than the stamps' unit a stamp means one place.
/// Of other tracks, the first frame that decodes, where the packets before it have no sound.
pub fn starts(found: &mut DeclaredTracks, mut heads: HashMap<u32, Head>) {
    for track in &mut found.audio {
        let Some(Head {
            mut frames,
            is_whole,
        }) = heads.remove(&track.stream)
        else {
            continue;
        };
        let said = track.start;
        // The very last of a track may be cut.
        if is_whole && frames.len() > 1 {
            frames.pop();
        }
        match track.frame_samples {
            None => without_grid(track, frames),
            Some(samples) => from_first(track, &frames, samples),
        }
        found.notes.extend(passed_over(track, said));
    }
}

fn without_grid(track: &mut AudioTrack, mut frames: Vec<Frame>) {
    let rate = i64::from(track.sample_rate);
    let unit = track.time_base.scale_ceil(rate, 1);
    // The decoder has cut it off.
    if let Some(first) = frames.first_mut() {
        first.samples = first.samples.saturating_add(track.priming);
    }
    let grid = frames.iter().map(|frame| frame.samples).reduce(divisor);
    track.frame_samples = grid.filter(|&grid| unit > 1 && i64::from(grid) >= unit);
    if track.priming == 0
        && let Some(first) = first_sample(&frames, track.time_base, rate, unit)
    {
        track.start = Rational::new(first, rate);
    }
}

/// A track that says it starts a frame or more before its first sound starts there.
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

/// Says that a track's first packets cannot be decoded, where its sound starts so much later than they do.
fn passed_over(track: &AudioTrack, said: Rational) -> Option<Note> {
    let missing = track.start - said;
    let message = format!(
        "The first {:.2} s of the sound cannot be decoded; the sound starts after them.",
        missing.as_f64()
    );
    (missing >= USUAL_DELAY).then(|| Note::new(Code::Corrupt, message).of_track(track.stream))
}

/// Where the first frame starts, in samples, as far as the stamps agree but for their rounding:
/// what the first says, if that can be, since most tracks start at a whole unit; the middle of
/// what they say otherwise.
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

/// The greatest common divisor.
fn divisor(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { divisor(b, a % b) }
}

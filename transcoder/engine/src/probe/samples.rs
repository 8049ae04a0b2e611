//! Where a sound track's samples really start, and the grid that its packets lie on, where
//! neither its codec nor its time stamps tell it: from its first decoded frames.

use anyhow::Result;
use ffmpeg_next::codec::{self, decoder};
use ffmpeg_next::format::context::Input;
use ffmpeg_next::{Error, Packet, frame};
use plan::Rational;
use plan::media_info::AudioTrack;

use crate::source::Source;
use crate::times::seconds;
use crate::{ffi, open};

/// Frames decoded to learn their lengths: a Vorbis stream has shown both of its block sizes.
const FRAMES: usize = 64;
/// Packets of any track read meanwhile.
const PACKETS: usize = 3000;

/// A decoded frame.
struct Frame {
    samples: u32,
    stamp: Option<i64>,
}

/// The first frames of a track.
struct Head {
    decoder: Option<decoder::Audio>,
    wanted: usize,
    frames: Vec<Frame>,
}

impl Head {
    fn new(input: &Input, track: &AudioTrack) -> Self {
        let parameters = input.stream(track.stream as usize).map(|s| s.parameters());
        let context = parameters.and_then(|p| codec::Context::from_parameters(p).ok());
        Self {
            decoder: context.and_then(|context| context.decoder().audio().ok()),
            wanted: if track.frame_samples.is_none() {
                FRAMES
            } else {
                1
            },
            frames: Vec::new(),
        }
    }

    fn is_enough(&self) -> bool {
        self.decoder.is_none() || self.frames.len() >= self.wanted
    }

    fn take(&mut self, packet: &Packet) {
        let Some(decoder) = &mut self.decoder else {
            return;
        };
        let mut decoded = frame::Audio::empty();
        let _ = decoder.send_packet(packet);
        while decoder.receive_frame(&mut decoded).is_ok() {
            self.frames.push(Frame {
                samples: decoded.samples() as u32,
                stamp: ffi::best_timestamp(&decoded),
            });
        }
    }
}

/// Finds the first sample of tracks whose codec has no fixed frame (PCM, FLAC, Opus; Vorbis,
/// whose first packet has no sound): all the stamps together tell it better than the first
/// does. And their grid, which starts there, where stamps are coarser than samples (Matroska's
/// are whole milliseconds): the packets' lengths have a common divisor (Vorbis: a quarter of
/// its short block), and where that is longer than the stamps' unit a stamp means one place.
/// Of other tracks, the first frame that decodes, where the packets before it have no sound.
/// Tracks of which nothing decodes are taken out and returned.
pub fn measure(
    source: &Source,
    input: &mut Input,
    tracks: &mut Vec<AudioTrack>,
) -> Result<Vec<AudioTrack>> {
    if tracks.is_empty() {
        return Ok(Vec::new());
    }
    open::rewind(source, input)?;
    let mut heads: Vec<Head> = tracks.iter().map(|track| Head::new(input, track)).collect();
    let is_whole = read(input, tracks, &mut heads)?;
    let mut silent = Vec::new();
    for (mut track, mut head) in std::mem::take(tracks).into_iter().zip(heads) {
        if head.frames.is_empty() {
            silent.push(track);
            continue;
        }
        // The very last of a track may be cut.
        if is_whole && head.frames.len() > 1 {
            head.frames.pop();
        }
        match track.frame_samples {
            None => without_grid(&mut track, head.frames),
            Some(samples) => from_first(&mut track, &head.frames, samples),
        }
        tracks.push(track);
    }
    Ok(silent)
}

/// Reads until all have enough; true where that was the source's end.
fn read(input: &mut Input, tracks: &[AudioTrack], heads: &mut [Head]) -> Result<bool> {
    let mut packet = Packet::empty();
    for _ in 0..PACKETS {
        if heads.iter().all(Head::is_enough) {
            return Ok(false);
        }
        match packet.read(input) {
            Ok(()) => {}
            Err(Error::InvalidData) => continue,
            Err(Error::Exit) => anyhow::bail!("the parent is gone"),
            Err(_) => return Ok(true),
        }
        let found = tracks.iter().zip(&mut *heads);
        let mut found = found.filter(|(track, _)| track.stream as usize == packet.stream());
        if let Some((_, head)) = found.next().filter(|(_, head)| !head.is_enough()) {
            head.take(&packet);
        }
    }
    Ok(false)
}

fn without_grid(track: &mut AudioTrack, mut frames: Vec<Frame>) {
    let rate = i64::from(track.sample_rate);
    let unit = track.time_base.scale_ceil(rate, 1);
    // The decoder has cut it off.
    if let Some(first) = frames.first_mut() {
        first.samples += track.priming;
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

/// Where the first frame starts, in samples, as far as the stamps agree but for their rounding:
/// what the first says, if that can be, since most tracks start at a whole unit; the middle of
/// what they say otherwise.
fn first_sample(frames: &[Frame], time_base: Rational, rate: i64, unit: i64) -> Option<i64> {
    let mut before = 0;
    let mut said = Vec::new();
    for frame in frames {
        let first = seconds(frame.stamp?, time_base).scale_round(rate, 1) - before;
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

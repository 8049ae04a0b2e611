//! The grid that a sound track's packets lie on, where neither its codec nor its time stamps
//! tell it.

use anyhow::Result;
use ffmpeg_next::format::context::Input;
use ffmpeg_next::{Error, Packet, codec, frame};
use plan::Rational;
use plan::media_info::AudioTrack;

use crate::source::Source;
use crate::times::seconds;
use crate::{ffi, open};

/// Frames decoded to learn their lengths: a Vorbis stream has shown both of its block sizes.
const FRAMES: usize = 64;

/// A decoded frame.
struct Frame {
    samples: u32,
    stamp: Option<i64>,
}

/// Finds the first sample of tracks whose codec has no fixed frame (PCM, FLAC, Opus; Vorbis,
/// whose first packet has no sound): all the stamps together tell it better than the first
/// does. And their grid, which starts there, where stamps are coarser than samples (Matroska's
/// are whole milliseconds): the packets' lengths have a common divisor (Vorbis: a quarter of
/// its short block), and where that is longer than the stamps' unit a stamp means one place.
pub fn measure(source: &Source, input: &mut Input, tracks: &mut [AudioTrack]) -> Result<()> {
    for track in tracks.iter_mut().filter(|t| t.frame_samples.is_none()) {
        let rate = i64::from(track.sample_rate);
        let unit = track.time_base.scale_ceil(rate, 1);
        let stream = track.stream as usize;
        open::rewind(source, input)?;
        ffi::discard_all_but(input, stream);
        let mut frames = first_frames(input, stream)?;
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
    Ok(())
}

/// A track's first frames, without the very last of the track, which may be cut.
fn first_frames(input: &mut Input, stream: usize) -> Result<Vec<Frame>> {
    let Some(parameters) = input.stream(stream).map(|s| s.parameters()) else {
        return Ok(Vec::new());
    };
    let mut decoder = codec::Context::from_parameters(parameters)?
        .decoder()
        .audio()?;
    let mut frames = Vec::new();
    let mut packet = Packet::empty();
    let mut decoded = frame::Audio::empty();
    while frames.len() < FRAMES {
        match packet.read(input) {
            Ok(()) if packet.stream() == stream => {
                let _ = decoder.send_packet(&packet);
            }
            Ok(()) | Err(Error::InvalidData) => continue,
            Err(Error::Exit) => anyhow::bail!("the parent is gone"),
            Err(_) => {
                frames.pop();
                break;
            }
        }
        while decoder.receive_frame(&mut decoded).is_ok() {
            frames.push(Frame {
                samples: decoded.samples() as u32,
                stamp: ffi::best_timestamp(&decoded),
            });
        }
    }
    Ok(frames)
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

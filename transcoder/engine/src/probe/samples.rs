//! The grid that a sound track's packets lie on, where neither its codec nor its time stamps
//! tell it.

use anyhow::Result;
use ffmpeg_next::format::context::Input;
use ffmpeg_next::{Error, Packet, codec, frame};
use plan::media_info::AudioTrack;

use crate::ffi;

/// Frames decoded to learn their lengths: a Vorbis stream has shown both of its block sizes.
const FRAMES: usize = 64;

/// Fills in `frame_samples` of tracks whose time stamps are coarser than their samples
/// (Matroska's are whole milliseconds) and whose codec has no fixed frame: PCM, FLAC, Vorbis.
/// Their packets' lengths have a common divisor (Vorbis: a quarter of its short block), and
/// where that is longer than the stamps' unit a stamp means one place only.
pub fn measure(input: &mut Input, tracks: &mut [AudioTrack]) -> Result<()> {
    for track in tracks.iter_mut().filter(|t| t.frame_samples.is_none()) {
        let unit = track.time_base.scale_ceil(i64::from(track.sample_rate), 1);
        if unit <= 1 {
            continue;
        }
        let stream = track.stream as usize;
        ffi::discard_all_but(input, stream);
        super::spans::rewind(input)?;
        let grid = lengths(input, stream)?.into_iter().reduce(divisor);
        track.frame_samples = grid.filter(|&grid| i64::from(grid) >= unit);
    }
    ffi::keep_all(input);
    Ok(())
}

/// The lengths of a track's first frames in samples, without the very last of the track, which
/// may be cut.
fn lengths(input: &mut Input, stream: usize) -> Result<Vec<u32>> {
    let Some(parameters) = input.stream(stream).map(|s| s.parameters()) else {
        return Ok(Vec::new());
    };
    let mut decoder = codec::Context::from_parameters(parameters)?
        .decoder()
        .audio()?;
    let mut lengths = Vec::new();
    let mut packet = Packet::empty();
    let mut decoded = frame::Audio::empty();
    while lengths.len() < FRAMES {
        match packet.read(input) {
            Ok(()) if packet.stream() == stream => {
                let _ = decoder.send_packet(&packet);
            }
            Ok(()) | Err(Error::InvalidData) => continue,
            Err(Error::Exit) => anyhow::bail!("the parent is gone"),
            Err(_) => {
                lengths.pop();
                break;
            }
        }
        while decoder.receive_frame(&mut decoded).is_ok() {
            lengths.push(decoded.samples() as u32);
        }
    }
    Ok(lengths)
}

/// The greatest common divisor.
fn divisor(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { divisor(b, a % b) }
}

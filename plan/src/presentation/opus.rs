//! Audio renditions in Opus, which needs fewer bits than AAC at the same quality. Players that support AV1 also
//! support Opus.

use crate::canonical::Canonical;
use crate::presentation::audio::{AudioRendition, SoundCodec};
use crate::presentation::generation::MEDIA_GENERATION;
use crate::timeline::{OPUS_FRAME, SAMPLE_RATE, TimeLine};

/// Bit rate of stereo in bits per second. The rate is constant, so that encoders that started at different positions
/// are soon in the same state.
const STEREO_BITRATE: u32 = 96_000;
/// Bit rate of 5.1 in bits per second. The rate is constant, as that of stereo.
const SURROUND_BITRATE: u32 = 256_000;
/// Overhead of a segment of one second in per cent of the bit rate: its boxes, and the frame of which only a part is
/// heard.
const OVERHEAD_PERCENT: u64 = 6;

/// Makes the Opus rendition of an AAC rendition. The id of `of`, which is hashed, covers all processing before the
/// encoder.
pub(super) fn in_opus(of: &AudioRendition, timeline: &TimeLine) -> AudioRendition {
    let bitrate = match of.channels {
        6 => SURROUND_BITRATE,
        _ => STEREO_BITRATE,
    };
    // In a presentation shorter than a second the last frame is cut in length but not in bytes, as in AAC.
    let samples = timeline.samples.0.clamp(1, SAMPLE_RATE) as u64;
    let bound = u64::from(bitrate) * (100 + OVERHEAD_PERCENT) / 100;
    let bound = match samples as i64 {
        SAMPLE_RATE => bound,
        _ => bound * (samples + OPUS_FRAME as u64) / samples,
    };
    let mut hash = Canonical::new("audio/opus");
    hash.int(MEDIA_GENERATION)
        .text(&of.id.to_string())
        .int(bitrate);
    AudioRendition {
        id: hash.rendition(of.id.name()),
        generation: MEDIA_GENERATION,
        encoder_epoch: 0,
        encoding: SoundCodec::Opus,
        bits_per_second: bitrate,
        bound_bits_per_second: bound as u32,
        codec: "opus".to_owned(),
        ..of.clone()
    }
}

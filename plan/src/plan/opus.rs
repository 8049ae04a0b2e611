//! Sound in Opus, which players have where they have AV1: less than AAC at the same quality.

use super::{AudioRendition, MEDIA_GENERATION, SoundCodec};
use crate::canonical::Canonical;
use crate::timeline::{OPUS_FRAME, SAMPLE_RATE, TimeLine};

/// Stereo and 5.1 sound, in bits per second. Constant, so that encoders that started at different
/// places are soon in the same state.
const STEREO_BITRATE: u32 = 96_000;
const SURROUND_BITRATE: u32 = 256_000;
/// Boxes of a segment of one second, and the frame of which only a part is heard, in per cent.
const OVERHEAD_PERCENT: u64 = 6;

/// The sound of `of` in Opus. What shapes it before it is encoded stands in the id of `of`.
pub(super) fn in_opus(of: &AudioRendition, timeline: &TimeLine) -> AudioRendition {
    let bitrate = match of.channels {
        6 => SURROUND_BITRATE,
        _ => STEREO_BITRATE,
    };
    // As that of AAC, where the presentation is shorter than a second.
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

//! What a session takes of memory, in bytes: the parent's shares and the engine's choice of
//! how many encoders run at once come from the same figures.

use plan::{Plan, RenditionId, VideoRendition};

/// x264 at work, for each pixel of its pictures: 218 MB at 1080p at policy `fast`, one thread,
/// lookahead and references included.
const ENCODER_BYTES_PER_PIXEL: u64 = 105;
/// A decoder's pictures: sixteen of reference, the threads' own, in 4:2:0.
const DECODER_BYTES_PER_PIXEL: u64 = 40;
/// Libraries, index, blocks.
const BASE_BYTES: u64 = 60 << 20;

/// A session that decodes the plan's source, before it encodes anything.
pub fn decoding(plan: &Plan) -> u64 {
    let track = plan.info.video.as_ref();
    let pixels = track.map_or(0, |t| u64::from(t.coded_width) * u64::from(t.coded_height));
    BASE_BYTES + pixels * DECODER_BYTES_PER_PIXEL
}

/// An encoder of a rung beside it.
pub fn encoding(rung: &VideoRendition) -> u64 {
    rung.size().pixels() * ENCODER_BYTES_PER_PIXEL
}

/// A session that encodes these renditions from one decode.
pub fn memory_of(plan: &Plan, renditions: &[RenditionId]) -> u64 {
    let rungs = plan.video.iter().filter(|v| renditions.contains(&v.id));
    decoding(plan) + rungs.map(encoding).sum::<u64>()
}

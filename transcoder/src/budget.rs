//! Memory decides how many encoders run.

use plan::Plan;

/// x264 at work, for each pixel of its pictures: 218 MB at 1080p `veryfast`, one thread.
const ENCODER_BYTES_PER_PIXEL: u64 = 105;
/// A decoder's pictures: references, frame threads, pictures on their way to the encoders.
const DECODER_BYTES_PER_PIXEL: u64 = 40;
/// Libraries, index, blocks.
const BASE_BYTES: u64 = 60 << 20;

/// What a session needs that encodes `rungs` of the plan from one decode, in bytes.
pub fn session_memory(plan: &Plan, rungs: usize) -> u64 {
    let decoded = plan.info.video.as_ref().map_or(0, |track| {
        u64::from(track.coded_width) * u64::from(track.coded_height) * DECODER_BYTES_PER_PIXEL
    });
    let encoders = plan.video.iter().take(rungs);
    let encoded: u64 = encoders
        .map(|v| v.size().pixels() * ENCODER_BYTES_PER_PIXEL)
        .sum();
    BASE_BYTES + decoded + encoded
}

/// How many rungs, the largest first, fit into `bytes`; at least one.
pub fn rungs_in(plan: &Plan, bytes: u64) -> usize {
    let fits = |rungs: &usize| session_memory(plan, *rungs) <= bytes;
    (1..=plan.video.len()).rev().find(fits).unwrap_or(1)
}

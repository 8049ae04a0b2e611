//! Memory decides how many encoders run.

use plan::{Plan, RenditionId, VideoRendition};

/// x264 at work, for each pixel of its pictures: 218 MB at 1080p `veryfast`, one thread.
const ENCODER_BYTES_PER_PIXEL: u64 = 105;
/// A decoder's pictures: references, frame threads, pictures on their way to the encoders.
const DECODER_BYTES_PER_PIXEL: u64 = 40;
/// Libraries, index, blocks.
const BASE_BYTES: u64 = 60 << 20;

/// What a session needs that encodes the `rungs` largest of the plan from one decode, in bytes.
pub fn session_memory(plan: &Plan, rungs: usize) -> u64 {
    needs(plan, plan.video.iter().take(rungs))
}

/// What a session needs that encodes these renditions from one decode, in bytes.
pub fn memory_of(plan: &Plan, renditions: &[RenditionId]) -> u64 {
    needs(
        plan,
        plan.video.iter().filter(|v| renditions.contains(&v.id)),
    )
}

fn needs<'a>(plan: &Plan, rungs: impl Iterator<Item = &'a VideoRendition>) -> u64 {
    let decoded = plan.info.video.as_ref().map_or(0, |track| {
        u64::from(track.coded_width) * u64::from(track.coded_height) * DECODER_BYTES_PER_PIXEL
    });
    let encoded: u64 = rungs
        .map(|v| v.size().pixels() * ENCODER_BYTES_PER_PIXEL)
        .sum();
    BASE_BYTES + decoded + encoded
}

/// How many rungs, the largest first, fit into `bytes`; at least one.
pub fn rungs_in(plan: &Plan, bytes: u64) -> usize {
    let fits = |rungs: &usize| session_memory(plan, *rungs) <= bytes;
    (1..=plan.video.len()).rev().find(fits).unwrap_or(1)
}

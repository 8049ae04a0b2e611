//! How long an order may take before its engine is taken for hung.

use std::time::Duration;

use plan::{Plan, RenditionId, VideoCodec};
use protocol::Order;

/// The longest that a probe may take.
const PROBE: Duration = Duration::from_secs(10);
/// Anything may take this long on a busy machine.
const LEAST: Duration = Duration::from_secs(30);
/// Wall time for each second of media in each rendition: a 2160p rung takes 8 s of one core;
/// the cores are shared.
const PER_MEDIA_SECOND: f64 = 20.0;
/// As long for each second of sound that is measured: thirty times what 5.1 takes of one core.
const PER_SOUND_SECOND: f64 = 0.2;
/// Sources without an index are read whole by their probe, others for their text and loudness:
/// 20 MB in a second is a slow disk.
const SCAN_BYTES_PER_SECOND: u64 = 20_000_000;

/// The wall time an order may take, time held not counted.
pub fn order_time(order: &Order, plan: Option<&Plan>, source_bytes: u64) -> Duration {
    match order {
        Order::Probe => PROBE + Duration::from_secs(source_bytes / SCAN_BYTES_PER_SECOND),
        Order::Texts => LEAST + Duration::from_secs(source_bytes / SCAN_BYTES_PER_SECOND),
        Order::Loudness => {
            let sounds = plan.map_or(0.0, |plan| {
                plan.timeline.duration_us() as f64 / 1e6 * plan.audio.len() as f64
            });
            let scan = Duration::from_secs(source_bytes / SCAN_BYTES_PER_SECOND);
            LEAST + scan + Duration::from_secs_f64(sounds * PER_SOUND_SECOND)
        }
        Order::Segments {
            renditions,
            first,
            count,
        } => {
            let seconds = plan.map_or(0.0, |plan| media_seconds(plan, renditions, *first, *count));
            LEAST + Duration::from_secs_f64(seconds * PER_MEDIA_SECOND)
        }
        Order::Inits { .. } | Order::Filler { .. } | Order::Still(_) => LEAST * 2,
    }
}

fn media_seconds(plan: &Plan, renditions: &[RenditionId], first: u32, count: u32) -> f64 {
    let (start, _) = plan.timeline.segment_frames(first);
    let (_, end) = plan
        .timeline
        .segment_frames(first.saturating_add(count).saturating_sub(1));
    let us = plan
        .timeline
        .frame_us(end)
        .saturating_sub(plan.timeline.frame_us(start));
    let each = renditions.iter().map(|&id| slowness(plan, id));
    us.max(0) as f64 / 1e6 * each.sum::<f64>().max(1.0)
}

/// CPU time against that of H.264, rounded up (docs/decisions/022-lazy-codecs.md).
fn slowness(plan: &Plan, rendition: RenditionId) -> f64 {
    match plan.video_rendition(rendition).map(|video| video.encoding) {
        Some(VideoCodec::Av1) => 8.0,
        Some(VideoCodec::Hevc) => 4.0,
        Some(VideoCodec::H264) | None => 1.0,
    }
}

//! The time that an order may take before its engine counts as hung.

use std::time::Duration;

use plan::{Plan, RenditionId, VideoCodec};
use protocol::Order;

/// Longest time of a probe, besides the time for reading the source.
const PROBE: Duration = Duration::from_secs(10);
/// Least time that is allowed to any order, since the machine may be busy.
const LEAST: Duration = Duration::from_secs(30);
/// Wall seconds for each second of media in each rendition: a 2160p rung takes 8 s of one core, and the cores are
/// shared.
const PER_MEDIA_SECOND: f64 = 20.0;
/// Wall seconds for each second of sound whose loudness is measured: thirty times what 5.1 takes of one core.
const PER_SOUND_SECOND: f64 = 0.2;
/// Bytes of a source that are read in a second on a slow disk. Probes read sources without an index as a whole; text
/// and loudness need the whole source too.
const SCAN_BYTES_PER_SECOND: u64 = 20_000_000;

/// Wall time that an order may take; time during which the session is held does not count.
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

/// CPU time of a rendition relative to H.264, rounded up (docs/decisions/022-lazy-codecs.md).
fn slowness(plan: &Plan, rendition: RenditionId) -> f64 {
    match plan.video_rendition(rendition).map(|video| video.encoding) {
        Some(VideoCodec::Av1) => 8.0,
        Some(VideoCodec::Hevc) => 4.0,
        Some(VideoCodec::H264) | None => 1.0,
    }
}

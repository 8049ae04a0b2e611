//! Media playlists of video and audio renditions. Every segment is listed as soon as the plan exists.

use std::fmt::Write;

use plan::{AudioRendition, Plan, RenditionId, VideoRendition};

/// The media playlist of a video or audio rendition. `None` if the plan has no such rendition.
pub fn media_playlist(plan: &Plan, rendition: RenditionId) -> Option<String> {
    let video = plan.video_rendition(rendition);
    let starts = if video.is_some() {
        video_starts(plan)
    } else {
        audio_starts(plan, plan.audio_rendition(rendition)?)
    };
    let mut text = format!(
        "#EXTM3U\n#EXT-X-VERSION:6\n#EXT-X-TARGETDURATION:{}\n#EXT-X-MEDIA-SEQUENCE:0\n\
         #EXT-X-PLAYLIST-TYPE:VOD\n#EXT-X-INDEPENDENT-SEGMENTS\n",
        target_duration(plan)
    );
    if video.is_some_and(VideoRendition::is_trick_play) {
        // Each frame is a resource of its own, so the playlist has no byte ranges.
        text.push_str("#EXT-X-I-FRAMES-ONLY\n");
    }
    text.push_str("#EXT-X-MAP:URI=\"init.mp4\"\n");
    for (index, pair) in starts.windows(2).enumerate() {
        // Lengths are differences of cumulative times, so that their sums never drift.
        let us = pair[1] - pair[0];
        let _ = writeln!(
            text,
            "#EXTINF:{}.{:06},\n{index}.m4s",
            us / 1_000_000,
            us % 1_000_000
        );
    }
    text.push_str("#EXT-X-ENDLIST\n");
    Some(text)
}

/// Target duration: the largest `EXTINF` of all video and audio renditions, rounded to the nearest second (RFC 8216
/// §4.3.3.1). HLS requires the same value in all variants that play together.
pub fn target_duration(plan: &Plan) -> i64 {
    ((longest_us(plan) + 500_000) / 1_000_000).max(1)
}

/// Length of the longest segment of any video or audio rendition, in microseconds.
pub(crate) fn longest_us(plan: &Plan) -> i64 {
    let pictures = if plan.video.is_empty() {
        Vec::new()
    } else {
        video_starts(plan)
    };
    let sounds = plan.every_sound().map(|sound| audio_starts(plan, sound));
    let longest = |starts: Vec<i64>| starts.windows(2).map(|w| w[1] - w[0]).max().unwrap_or(0);
    let longest_sound = sounds.map(longest).max().unwrap_or(0);
    longest(pictures).max(longest_sound)
}

/// Starts of all video segments, and the end of the last one, in microseconds.
fn video_starts(plan: &Plan) -> Vec<i64> {
    plan.timeline
        .boundaries
        .iter()
        .map(|&tick| plan.timeline.frame_us(tick))
        .collect()
}

/// Starts of all audio segments, and the end of the last one, in microseconds.
fn audio_starts(plan: &Plan, sound: &AudioRendition) -> Vec<i64> {
    let timeline = &plan.timeline;
    let starts = (0..timeline.segments()).map(|n| timeline.sample_us(sound.span(timeline, n).0));
    starts
        .chain([timeline.sample_us(timeline.samples)])
        .collect()
}

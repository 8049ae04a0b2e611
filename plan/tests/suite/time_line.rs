//! Origin of the time line, and time before and after a track's own content.

use crate::sources::{everyday, picture, planned, rational, sound, source};

#[test]
fn the_everyday_source_starts_at_zero_and_ends_with_its_audio() {
    let plan = planned(&everyday());
    assert_eq!(plan.timeline.origin, rational(0, 1));
    assert_eq!(plan.timeline.frames().0, 901);
    assert_eq!(plan.timeline.duration_us(), 30_033_333);
    assert_eq!(plan.timeline.samples.0, 1_441_600);
    assert_eq!(plan.content.video, Some((0, 30_000_000)));
    assert_eq!(plan.content.audio, [(0, 30_016_000)]);
}

/// Cases are (start of video, start of audio, expected origin) in ms at 25 frames per second.
#[test]
fn tick_zero_is_the_last_grid_point_not_after_the_earliest_start() {
    for (video_ms, audio_ms, origin_ms) in [
        (0, 0, 0),
        (1400, 1400, 1400),
        (0, 500, 0),
        (80, 0, 0),
        (70, 0, -10),
        (40, 1, 0),
        // A difference of 1 ms is the container's rounding.
        (41, 0, 1),
        (42, 0, 2 - 40),
        (-33, 0, -33),
    ] {
        let mut video = picture((640, 360), rational(25, 1), rational(9, 1));
        let mut audio = sound(rational(9, 1));
        video.start = rational(video_ms, 1000);
        audio.start = rational(audio_ms, 1000);
        let plan = planned(&source(Some(video), vec![audio]));
        let expected = rational(origin_ms, 1000);
        assert_eq!(plan.timeline.origin, expected, "{video_ms} {audio_ms}");
        let earliest = video_ms.min(audio_ms);
        let start = |ms: i64| (ms - earliest) * 1000;
        assert_eq!(plan.content.video.map(|c| c.0), Some(start(video_ms)));
        assert_eq!(plan.content.audio[0].0, start(audio_ms));
    }
}

#[test]
fn the_track_that_ends_last_sets_the_end_for_all() {
    // Cases are (end of video in ms, end of audio in ms, expected ticks) at 25 frames per second.
    for (video_ms, audio_ms, ticks) in [
        (10_000, 10_000, 250),
        (10_000, 9_000, 250),
        (10_000, 10_001, 250),
        (10_000, 10_002, 251),
        (10_000, 20_000, 500),
    ] {
        let video = picture((640, 360), rational(25, 1), rational(video_ms, 1000));
        let audio = sound(rational(audio_ms, 1000));
        let plan = planned(&source(Some(video), vec![audio]));
        assert_eq!(plan.timeline.frames().0, ticks, "{video_ms} {audio_ms}");
        assert_eq!(plan.timeline.samples.0, ticks * 1920);
    }
}

#[test]
fn a_source_time_belongs_to_the_nearest_sample() {
    let timeline = planned(&everyday()).timeline;
    assert_eq!(timeline.sample_of(rational(1, 48_000)).0, 1);
    assert_eq!(timeline.sample_of(rational(1, 44_100)).0, 1);
    assert_eq!(timeline.sample_of(rational(-1, 100)).0, -480);
}

#[test]
fn a_video_at_the_aac_frame_rate_lasts_as_long_as_its_audio() {
    let rate = rational(48_000, 1024);
    let info = source(Some(picture((640, 360), rate, rational(10, 1))), Vec::new());
    let timeline = planned(&info).timeline;
    assert_eq!(timeline.duration_us(), timeline.frame_us(timeline.frames()));
}

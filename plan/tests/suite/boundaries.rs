//! Segment boundaries of the time line.

use plan::timeline::AAC_FRAME;
use plan::{Plan, Policy, Rational, TimeLine, make_plan};
use proptest::prelude::*;

use crate::sources::{everyday, planned, rational, silent, sound, source};

fn lengths(timeline: &TimeLine) -> Vec<i64> {
    timeline
        .boundaries
        .windows(2)
        .map(|w| (w[1] - w[0]).0)
        .collect()
}

fn frames(rate: (i64, i64), count: i64) -> Plan {
    let rate = rational(rate.0, rate.1);
    planned(&silent(rate, rational(count * rate.den(), rate.num())))
}

#[test]
fn segments_grow_from_one_second_to_four_and_a_short_remainder_joins_the_last() {
    let ntsc = (30_000, 1001);
    for (rate, count, expected) in [
        ((30, 1), 1, vec![1]),
        ((30, 1), 30, vec![30]),
        ((30, 1), 59, vec![59]),
        ((30, 1), 60, vec![30, 30]),
        ((30, 1), 240, vec![30, 30, 60, 120]),
        ((30, 1), 269, vec![30, 30, 60, 149]),
        ((30, 1), 270, vec![30, 30, 60, 120, 30]),
        (ntsc, 389, vec![30, 30, 60, 120, 149]),
        (ntsc, 480, vec![30, 30, 60, 120, 120, 120]),
        ((24_000, 1001), 264, vec![24, 24, 48, 96, 72]),
        ((25, 2), 200, vec![13, 13, 25, 50, 50, 49]),
    ] {
        assert_eq!(
            lengths(&frames(rate, count).timeline),
            expected,
            "{rate:?} {count}"
        );
    }
}

#[test]
fn the_policy_sets_the_length_of_later_segments() {
    for (asked, got) in [(0, 2), (2, 2), (4, 4), (10, 10), (u32::MAX, 10)] {
        let policy = Policy {
            segment_seconds: asked,
            ..Policy::default()
        };
        let plan = make_plan(&silent(rational(30, 1), rational(60, 1)), &policy).unwrap();
        assert_eq!(lengths(&plan.timeline)[..4], [30, 30, 60, 30 * got]);
    }
}

#[test]
fn twelve_hours_of_film_have_whole_segments_to_the_end() {
    let rate = rational(24_000, 1001);
    let plan = planned(&silent(rate, rational(12 * 3600, 1)));
    let lengths = lengths(&plan.timeline);
    assert_eq!(lengths.iter().sum::<i64>(), 1_035_765); // 43,200 s * 24000/1001, rounded up
    assert!(
        lengths[3..lengths.len() - 1]
            .iter()
            .all(|&length| length == 96)
    );
    assert_eq!(plan.timeline.duration_us(), 43_200_031_875);
    assert_eq!(plan.segments() as usize, lengths.len());
}

#[test]
fn sound_alone_runs_from_its_first_sample_to_its_last() {
    let mut track = sound(rational(1_000_010 + 77, 48_000));
    track.start = rational(77, 48_000);
    let plan = planned(&source(None, vec![track]));
    let timeline = &plan.timeline;
    assert_eq!(timeline.samples.0, 1_000_010);
    assert_eq!(timeline.origin, rational(77, 48_000));
    assert_eq!(timeline.frames().0, 977); // AAC frames, of which the last is not full
    assert_eq!(
        timeline
            .segment_samples(timeline.segments() - 1, AAC_FRAME)
            .1
            .0,
        1_000_010
    );
    assert!(plan.video.is_empty() && plan.storyboard.is_none());
}

#[test]
fn a_segment_after_the_end_is_empty() {
    let timeline = planned(&everyday()).timeline;
    for index in [timeline.segments(), u32::MAX] {
        let (start, end) = timeline.segment_frames(index);
        assert_eq!((start, end), (timeline.frames(), timeline.frames()));
        assert_eq!(
            timeline.segment_samples(index, AAC_FRAME),
            (timeline.samples, timeline.samples)
        );
    }
}

fn rates() -> impl Strategy<Value = Rational> {
    let usual = [
        (24, 1),
        (25, 1),
        (30, 1),
        (50, 1),
        (60, 1),
        (24_000, 1001),
        (30_000, 1001),
    ];
    prop_oneof![
        prop::sample::select(usual.to_vec()),
        (1i64..300_000, 1i64..1100).prop_filter("300 fps at most", |(n, d)| *n <= 300 * d),
    ]
    .prop_map(|(num, den)| rational(num, den))
}

proptest! {
    #[test]
    fn boundaries_cover_everything_and_no_segment_is_short(
        rate in rates(), ms in 1i64..50_000, audio_ms in 0i64..50_000, seconds in 2u32..=10,
    ) {
        let mut info = silent(rate, rational(ms, 1000));
        info.audio.push(sound(rational(audio_ms, 1000)));
        let policy = Policy { segment_seconds: seconds, ..Policy::default() };
        let timeline = make_plan(&info, &policy).unwrap().timeline;
        let rate = timeline.rate;
        prop_assert!((10..=60).contains(&rate.scale_floor(1, 1)));

        prop_assert_eq!(timeline.boundaries[0].0, 0);
        let lengths = lengths(&timeline);
        // A second, rounded to the grid.
        let second = rational(1, 1).scale_round(rate.num(), rate.den());
        prop_assert!(lengths.len() == 1 || lengths.iter().all(|&length| length >= second));
        prop_assert!(lengths.iter().all(|&length| length > 0));
        // The longest segment: a whole later segment and a remainder of less than a second.
        let most = i64::from(seconds.max(2) + 1) * (second + 1) + 10;
        prop_assert!(lengths.iter().all(|&length| length <= most));

        // The end is the first grid point at or after the latest end, with 1 ms of tolerance.
        let end = rational(ms.max(audio_ms), 1000);
        let ticks = timeline.frames().0;
        let time = |tick: i64| rational(tick * rate.den(), rate.num());
        prop_assert!(time(ticks) + rational(1, 1000) >= end);
        prop_assert!(ticks == 1 || time(ticks - 1) + rational(1, 1000) < end);
    }

    #[test]
    fn audio_boundaries_are_the_last_aac_frames_before_the_video_boundaries(rate in rates(), ms in 1i64..80_000) {
        let timeline = planned(&silent(rate, rational(ms, 1000))).timeline;
        let mut at = 0;
        for index in 0..timeline.segments() {
            let (start, end) = timeline.segment_samples(index, AAC_FRAME);
            prop_assert_eq!(start.0, at);
            prop_assert_eq!(start.0 % 1024, 0);
            let tick = timeline.segment_frames(index).0;
            let exact = rational(tick.0 * timeline.rate.den(), timeline.rate.num());
            prop_assert!(rational(start.0, 48_000) <= exact);
            prop_assert!(rational(start.0 + 1024, 48_000) > exact);
            at = end.0;
        }
        // The audio ends at the sample nearest to the end of the video.
        prop_assert_eq!(at, timeline.samples.0);
        let end = rational(timeline.frames().0 * timeline.rate.den(), timeline.rate.num());
        prop_assert_eq!(at, end.scale_round(48_000, 1));
    }

    #[test]
    fn a_moment_lies_in_the_segment_that_shows_it(rate in rates(), ms in 1i64..50_000, at in 0i64..60_000) {
        let timeline = planned(&silent(rate, rational(ms, 1000))).timeline;
        let segment = timeline.segment_at_us(at * 1000);
        prop_assert!(segment < timeline.segments());
        let (start, end) = timeline.segment_frames(segment);
        prop_assert!(timeline.frame_us(start) <= at * 1000 + 1);
        prop_assert!(segment + 1 == timeline.segments() || timeline.frame_us(end) + 1 >= at * 1000);
    }
}

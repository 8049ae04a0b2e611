//! Frame rate of a presentation.

use plan::Rational;

use crate::sources::{picture, planned, rational, silent, source};

fn constant(rate: Rational) -> Rational {
    planned(&silent(rate, rational(20, 1))).timeline.rate
}

fn variable(average: Rational, p95: Option<Rational>) -> Rational {
    let mut video = picture((640, 360), average, rational(20, 1));
    video.constant_rate = false;
    video.rate_p95 = p95;
    planned(&source(Some(video), Vec::new())).timeline.rate
}

#[test]
fn a_constant_rate_is_kept_or_brought_into_10_to_60_by_a_whole_factor() {
    for ((num, den), expected) in [
        ((30, 1), (30, 1)),
        ((30_000, 1001), (30_000, 1001)),
        ((2997, 100), (2997, 100)),
        ((10, 1), (10, 1)),
        ((60, 1), (60, 1)),
        ((5, 1), (10, 1)),
        ((3, 1), (12, 1)),
        ((1, 7), (10, 1)),
        ((9_999, 1000), (19_998, 1000)),
        ((61, 1), (61, 2)),
        ((120, 1), (60, 1)),
        ((120_000, 1001), (60_000, 1001)),
        ((240_000, 1001), (60_000, 1001)),
        ((300, 1), (60, 1)),
    ] {
        let expected = rational(expected.0, expected.1);
        assert_eq!(constant(rational(num, den)), expected, "{num}/{den}");
    }
}

#[test]
fn a_variable_rate_becomes_the_lowest_standard_rate_not_below_its_95th_percentile() {
    for (p95, expected) in [
        ((1, 1), (24_000, 1001)),
        ((24_000, 1001), (24_000, 1001)),
        ((2398, 100), (24, 1)),
        ((24, 1), (24, 1)),
        ((2401, 100), (25, 1)),
        ((26, 1), (30_000, 1001)),
        ((30_000, 1001), (30_000, 1001)),
        ((30, 1), (30, 1)),
        ((31, 1), (48, 1)),
        ((49, 1), (50, 1)),
        ((51, 1), (60_000, 1001)),
        ((60, 1), (60, 1)),
        ((1000, 1), (60, 1)),
    ] {
        let picked = variable(rational(20, 1), Some(rational(p95.0, p95.1)));
        assert_eq!(picked, rational(expected.0, expected.1), "{p95:?}");
    }
    // Without a percentile the average is used.
    assert_eq!(variable(rational(29, 1), None), rational(30_000, 1001));
}

#[test]
fn a_time_scale_is_at_least_10_000_and_frames_last_whole_units() {
    for ((num, den), expected) in [
        ((30, 1), (10_020, 334)),
        ((30_000, 1001), (30_000, 1001)),
        ((24, 1), (10_008, 417)),
        ((24_000, 1001), (24_000, 1001)),
        ((25, 1), (10_000, 400)),
        ((60_000, 1001), (60_000, 1001)),
        ((2997, 100), (11_988, 400)),
        ((15, 1), (10_005, 667)),
    ] {
        let plan = planned(&silent(rational(num, den), rational(20, 1)));
        for video in &plan.video {
            assert_eq!(
                (video.time_scale, video.frame_duration),
                expected,
                "{num}/{den}"
            );
        }
    }
}

/// A numerator of more than 32 bits gives the closest rate that fits, never a truncated one.
#[test]
fn a_rate_of_huge_numbers_is_approximated() {
    let num = 29_970_029_970_029_971;
    let den = 1_000_000_000_000_000;
    let plan = planned(&silent(rational(num, den), rational(20, 1)));
    assert_eq!(plan.timeline.rate, rational(30_000, 1001));
    let slow = planned(&silent(rational(1, i64::MAX), rational(20, 1)));
    assert_eq!(slow.timeline.rate, rational(10, 1));
}

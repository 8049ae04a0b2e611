//! Assignment of source frames to ticks of the time line.

use plan::Rational;
use proptest::prelude::*;

use crate::sources::{picture, planned, rational, source};

/// Time stamps of `count` frames with a constant rate, from frame `first` on, as a container with this time unit
/// rounds them.
fn stamps(rate: Rational, unit: Rational, first: i64, count: i64) -> Vec<Rational> {
    let stamp = |i: i64| {
        let units = rational(i * rate.den(), rate.num()).scale_round(unit.den(), unit.num());
        rational(units * unit.num(), unit.den())
    };
    (first..first + count).map(stamp).collect()
}

fn ticks(rate: Rational, stamps: &[Rational]) -> Vec<i64> {
    let mut video = picture((320, 240), rate, stamps[stamps.len() - 1] + rational(1, 10));
    video.start = stamps[0];
    let timeline = planned(&source(Some(video), Vec::new())).timeline;
    stamps
        .iter()
        .map(|&stamp| timeline.tick_of(stamp).0)
        .collect()
}

#[test]
fn a_constant_rate_rounded_to_milliseconds_loses_and_repeats_no_frame() {
    for rate in [
        (30, 1),
        (60_000, 1001),
        (30_000, 1001),
        (24_000, 1001),
        (25, 1),
        (60, 1),
    ] {
        let rate = rational(rate.0, rate.1);
        // The video starts at zero, or at a frame whose time stamp is rounded up or down.
        for first in [0, 1, 2, 17] {
            let stamps = stamps(rate, rational(1, 1000), first, 100_000);
            assert!(
                ticks(rate, &stamps).into_iter().eq(0..100_000),
                "{rate} from {first}"
            );
        }
    }
}

#[test]
fn a_time_half_way_between_two_ticks_belongs_to_the_later() {
    let rate = rational(25, 1);
    let at = [(0, 1), (2, 100), (199, 10_000), (6, 100), (201, 10_000)];
    let stamps: Vec<Rational> = at.iter().map(|&(n, d)| rational(n, d)).collect();
    let mut video = picture((320, 240), rate, rational(1, 1));
    video.start = stamps[0];
    let timeline = planned(&source(Some(video), Vec::new())).timeline;
    let ticks: Vec<i64> = stamps
        .iter()
        .map(|&stamp| timeline.tick_of(stamp).0)
        .collect();
    assert_eq!(ticks, [0, 1, 0, 2, 1]);
}

proptest! {
    #[test]
    fn any_container_unit_up_to_a_third_of_a_frame_keeps_every_frame(
        num in 10i64..=60, den in prop::sample::select(vec![1000i64, 1001]),
        unit in prop::sample::select(vec![(1i64, 1000i64), (1, 600), (1, 90_000), (1, 10_240), (1, 1_000_000_000)]),
        first in 0i64..10_000,
    ) {
        let rate = rational(num * 1000, den);
        prop_assume!(rate <= rational(60, 1) && rate >= rational(10, 1));
        let stamps = stamps(rate, rational(unit.0, unit.1), first, 2000);
        prop_assert!(ticks(rate, &stamps).into_iter().eq(0..2000));
    }
}

//! Chunks in which background work is handed out.

use proptest::prelude::*;

use crate::sources::{planned, rational, silent};

#[test]
fn chunks_hold_the_first_four_seconds_then_eight_more_then_eight_segments_each() {
    for (rate, seconds, expected) in [
        ((30, 1), 1, vec![(0, 1)]),
        ((30, 1), 4, vec![(0, 3)]),
        ((30, 1), 5, vec![(0, 3), (3, 4)]),
        ((30, 1), 13, vec![(0, 3), (3, 5), (5, 6)]),
        ((30, 1), 76, vec![(0, 3), (3, 5), (5, 13), (13, 21)]),
        ((30_000, 1001), 60, vec![(0, 3), (3, 5), (5, 13), (13, 17)]),
        // 13 + 13 + 25 frames at 12.5 frames per second last 4.08 s.
        ((25, 2), 20, vec![(0, 3), (3, 5), (5, 7)]),
    ] {
        let plan = planned(&silent(rational(rate.0, rate.1), rational(seconds, 1)));
        let chunks: Vec<_> = (0..plan.chunks()).map(|c| plan.chunk_segments(c)).collect();
        assert_eq!(chunks, expected, "{rate:?} {seconds}");
    }
}

proptest! {
    #[test]
    fn every_segment_is_in_one_chunk(fps in 1i64..200, ms in 1i64..3_000_000) {
        let plan = planned(&silent(rational(fps, 1), rational(ms, 1000)));
        let mut next = 0;
        for chunk in 0..plan.chunks() {
            let (from, to) = plan.chunk_segments(chunk);
            prop_assert!(from == next && to > from);
            for segment in from..to {
                prop_assert_eq!(plan.chunk_of(segment), chunk);
            }
            next = to;
        }
        prop_assert_eq!(next, plan.segments());
        prop_assert_eq!(plan.chunk_segments(u32::MAX), (next, next));
    }
}

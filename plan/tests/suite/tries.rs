//! Rate factors of a segment's tries. First factors follow a title's trial encodes, later ones the results of the
//! tries before.

use plan::media_info::{SmallTrial, SmallTrials};
use plan::{
    Complexity, FirstFactor, Fit, Frames, Next, Plan, RateFactor, Rational, Try, VideoRendition,
};
use proptest::prelude::*;

use crate::sources::{picture, planned, rational, source};

fn rate() -> Rational {
    rational(30, 1)
}

fn usual() -> Plan {
    let video = picture((1920, 1080), rate(), rational(60, 1));
    planned(&source(Some(video), Vec::new()))
}

/// Plan of a title whose frames took these bits in trials at 480p: (intra-coded frame, predicted frame), at the start
/// and at other times.
fn tried(start: (u32, u32), elsewhere: &[(i64, (u32, u32))]) -> Plan {
    let trial = |at_us, (key_bits, following_bits)| SmallTrial {
        at_us,
        key_bits,
        following_bits,
    };
    let mut video = picture((1920, 1080), rate(), rational(60, 1));
    video.complexity = Some(Complexity {
        key_bits: 1_200_000,
        following_bits: 150_000,
        hardest_following_bits: 150_000,
        small: Some(SmallTrials {
            pixels: 854 * 480,
            places: [(0, start)]
                .iter()
                .chain(elsewhere)
                .map(|&(at_us, bits)| trial(at_us, bits))
                .collect(),
        }),
    });
    planned(&source(Some(video), Vec::new()))
}

fn rung(plan: &Plan, name: u32) -> &VideoRendition {
    plan.video.iter().find(|video| video.rung == name).unwrap()
}

fn factor(quarters: u32) -> RateFactor {
    RateFactor(quarters)
}

fn try_of(quarters: u32, bytes: u64, fit: Fit) -> Try {
    Try {
        factor: factor(quarters),
        bytes,
        fit,
    }
}

#[test]
fn a_title_without_trials_begins_with_the_usual_factor() {
    let plan = usual();
    for video in &plan.video {
        assert!(video.first_factors.is_empty());
        assert_eq!(video.first_factor(7), RateFactor::whole(video.crf));
    }
}

#[test]
fn hard_segments_begin_coarser_and_easy_ones_as_usual() {
    // A second of 480p may have 1,400,000 bits. By its trials the start takes twice that, and the later part a third.
    let plan = tried(
        (300_000, 86_000),
        &[
            (30_000_000, (100_000, 12_000)),
            (50_000_000, (300_000, 86_000)),
        ],
    );
    let rung = rung(&plan, 480);
    let first = |segment| rung.first_factor(segment).0;
    // 2,794,000 bits and 40 % more, against 85 % of the allowed bits, are 1.72 octaves too many.
    assert_eq!(first(0), 96 + 31);
    // The trial is just before this segment.
    assert_eq!(first(1), 96 + 31);
    // No trial is near this segment, so it aims at three quarters of the allowed bytes. Longer segments share one key
    // frame.
    assert_eq!(first(2), 96 + 34);
    assert_eq!(first(3), 96 + 33);
    let at = |second: i64| {
        (0..plan.segments()).position(|n| plan.timeline.segment_frames(n).1.0 > second * 30)
    };
    let first_at = |second| first(at(second).unwrap() as u32);
    assert_eq!(first_at(30), RateFactor::whole(rung.crf).0);
    assert_eq!(first_at(50), 96 + 30);
    assert_eq!(first_at(58), 96 + 33);
}

#[test]
fn a_factor_is_written_in_the_encoders_scale() {
    let words = |quarters| factor(quarters).to_string();
    assert_eq!(words(96), "24");
    assert_eq!(words(97), "24.25");
    assert_eq!(words(102), "25.5");
}

#[test]
fn a_first_try_that_fits_is_taken() {
    let plan = usual();
    let next = plan.video[0].next_try(&[try_of(96, 10, Fit::Fits)], 1_000_000);
    assert_eq!(next, Next::Take);
}

#[test]
fn a_second_try_is_coarser_by_the_excess_of_the_first() {
    let plan = usual();
    let rung = &plan.video[0];
    let second = |bytes| rung.next_try(&[try_of(96, bytes, Fit::TooLarge)], 1_000_000);
    // Twice the bytes are an octave, 4.5 steps, plus a margin of a quarter step.
    assert_eq!(second(2_000_000), Next::Encode(factor(96 + 18 + 1)));
    assert_eq!(second(1_000_001), Next::Encode(factor(96 + 1)));
    assert_eq!(second(4_000_000), Next::Encode(factor(96 + 36 + 1)));
    let start = try_of(96, 900_000, Fit::StartsTooLarge);
    assert_eq!(
        rung.next_try(&[start], 1_000_000),
        Next::Encode(factor(100))
    );
    // The first factor is the coarsest already.
    let last = try_of(204, 2_000_000, Fit::TooLarge);
    assert_eq!(rung.next_try(&[last], 1_000_000), Next::Bound);
}

#[test]
fn a_third_try_lies_on_the_line_through_two() {
    let plan = usual();
    let rung = &plan.video[0];
    let first = try_of(96, 2_000_000, Fit::TooLarge);
    let third = |second| rung.next_try(&[first, second], 1_000_000);
    // Bytes fall by two octaves in 24 quarters: one octave and the reserve of 3 % take 13 quarters.
    assert_eq!(
        third(try_of(120, 500_000, Fit::Fits)),
        Next::Encode(factor(109))
    );
    assert_eq!(third(try_of(120, 860_000, Fit::Fits)), Next::Take);
    assert_eq!(
        third(try_of(115, 1_100_000, Fit::TooLarge)),
        Next::Encode(factor(119))
    );
    // The second try is larger than the first, so it is treated like a first one.
    assert_eq!(
        third(try_of(115, 2_000_000, Fit::TooLarge)),
        Next::Encode(factor(115 + 19))
    );
}

#[test]
fn after_three_tries_the_finest_that_fits_is_taken_or_none() {
    let plan = usual();
    let rung = &plan.video[0];
    let (first, second) = (
        try_of(96, 2_000_000, Fit::TooLarge),
        try_of(120, 500_000, Fit::Fits),
    );
    let third = try_of(109, 1_000_001, Fit::TooLarge);
    assert_eq!(
        rung.next_try(&[first, second, third], 1_000_000),
        Next::Take
    );
    let second = try_of(115, 1_100_000, Fit::TooLarge);
    assert_eq!(
        rung.next_try(&[first, second, third], 1_000_000),
        Next::Bound
    );
}

#[test]
fn a_segment_fits_if_it_and_its_start_are_within_the_cap() {
    let plan = usual();
    let rung = &plan.video[0];
    let fit = |sizes: &[usize]| rung.fit(sizes, 500, Frames(120), rate());
    // Four seconds at 5 Mbit/s allow 2.5 MB in all, boxes included.
    let even = [20_829; 120];
    assert_eq!(fit(&even), Fit::Fits);
    let mut more = even;
    more[119] += 21;
    assert_eq!(fit(&more), Fit::TooLarge);
    // The first frame may have the bytes of two seconds, less the boxes.
    let mut steep = [0; 120];
    steep[0] = 1_249_500;
    assert_eq!(fit(&steep), Fit::Fits);
    steep[0] += 1;
    assert_eq!(fit(&steep), Fit::StartsTooLarge);
    assert_eq!(rung.allowed_bytes(Frames(120), rate()), 2_500_000);
}

/// A rung in another codec begins coarser by the same amount, in whole steps if its encoder accepts no others.
#[test]
fn other_codecs_begin_coarser_too() {
    let plan = tried((300_000, 86_000), &[(50_000_000, (300_000, 86_000))]);
    for codec in plan::LazyCodec::ALL {
        let with = plan.with_codec(codec).unwrap();
        let lazy = with
            .lazy
            .iter()
            .find(|lazy| lazy.video.iter().any(|v| v.rung == 480));
        let rung = lazy
            .unwrap()
            .video
            .iter()
            .find(|video| video.rung == 480)
            .unwrap();
        let base = RateFactor::whole(rung.crf);
        assert!(rung.first_factor(0) > base, "{codec:?}");
        if codec == plan::LazyCodec::Av1 {
            assert!(
                rung.first_factors
                    .iter()
                    .all(|FirstFactor { factor, .. }| factor.0 % 4 == 0)
            );
        }
    }
}

/// Size of a segment from an encoder whose bytes fall exponentially with the rate factor, halving every `octave`
/// quarters.
fn encoded(full: u64, octave: u32, quarters: u32) -> u64 {
    (full as f64 * (-f64::from(quarters) / f64::from(octave)).exp2()) as u64 + 1
}

proptest! {
    #[test]
    fn three_tries_are_enough_and_the_taken_one_fits(
        full in 1_000u64..1 << 40, octave in 6u32..60, first in 0u32..204, allowed in 1u64..1 << 32,
    ) {
        let plan = usual();
        let rung = &plan.video[0];
        let mut tries = Vec::new();
        let mut quarters = first;
        loop {
            let bytes = encoded(full, octave, quarters);
            let fit = if bytes <= allowed { Fit::Fits } else { Fit::TooLarge };
            tries.push(try_of(quarters, bytes, fit));
            match rung.next_try(&tries, allowed) {
                Next::Encode(next) => {
                    prop_assert!(tries.len() < 3);
                    prop_assert!(next.0 <= 204 && next.0 > first);
                    quarters = next.0;
                }
                Next::Take => {
                    prop_assert!(tries.iter().any(|one| one.fit == Fit::Fits));
                    break;
                }
                Next::Bound => {
                    prop_assert!(tries.iter().all(|one| one.fit != Fit::Fits));
                    break;
                }
            }
        }
    }

    #[test]
    fn any_trial_results_give_a_valid_plan(
        start: (u32, u32), elsewhere: Vec<(i64, (u32, u32))>,
    ) {
        for video in tried(start, &elsewhere).video {
            let all = 0..usual().segments();
            let range = RateFactor::whole(video.crf)..=RateFactor::whole(51);
            prop_assert!(all.map(|segment| video.first_factor(segment)).all(|factor| range.contains(&factor)));
        }
    }
}

/// The film's only segment is shorter than the time over which a playlist's peak bit rate is measured.
#[test]
fn a_film_of_one_frame_may_have_the_bytes_of_half_a_second() {
    let plan = usual();
    let rung = rung(&plan, 1080);
    assert_eq!(rung.allowed_bytes(Frames(1), rate()), 312_500);
    assert_eq!(rung.allowed_bytes(Frames(15), rate()), 312_500);
    assert_eq!(rung.allowed_bytes(Frames(16), rate()), 333_333);
    assert_eq!(rung.fit(&[300_000], 700, Frames(1), rate()), Fit::Fits);
    assert_eq!(rung.fit(&[312_000], 700, Frames(1), rate()), Fit::TooLarge);
}

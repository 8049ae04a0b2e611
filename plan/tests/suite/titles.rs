//! Per-title encoding: settings and choice of rungs by how hard a title is to encode.

use plan::media_info::VideoTrack;
use plan::{Complexity, Plan, Policy};
use proptest::prelude::*;

use crate::sources::{picture, planned, rational, source};

fn of(key_bits: u32, following_bits: u32, hardest_following_bits: u32) -> VideoTrack {
    let mut video = picture((1920, 1080), rational(30, 1), rational(60, 1));
    video.complexity = Some(Complexity {
        key_bits,
        following_bits,
        hardest_following_bits,
        small: None,
    });
    video
}

fn titled(video: VideoTrack) -> Plan {
    planned(&source(Some(video), Vec::new()))
}

fn told(plan: &Plan) -> Vec<(u32, u32, u64)> {
    let row = |v: &plan::VideoRendition| (v.rung, v.crf, v.cap_bits_per_second / 1000);
    plan.video.iter().map(row).collect()
}

/// Box, rate factor and cap in kbit/s of the rungs of a title without trial encodes.
const USUAL: [(u32, u32, u64); 5] = [
    (1080, 24, 5000),
    (720, 24, 2800),
    (480, 24, 1400),
    (360, 24, 800),
    (240, 24, 400),
];

#[test]
fn a_title_without_trials_has_the_usual_ladder() {
    let mut video = of(0, 0, 0);
    video.complexity = None;
    assert_eq!(told(&titled(video)), USUAL);
}

#[test]
fn per_title_encoding_can_be_switched_off() {
    let policy = Policy {
        per_title: false,
        ..Policy::default()
    };
    let plan = plan::make_plan(&source(Some(of(200, 5, 5)), Vec::new()), &policy).unwrap();
    assert_eq!(plan.video.len(), 5);
    assert!(plan.video.iter().all(|rung| rung.crf == 24));
}

/// A screen recording: every viewer has the bandwidth for the top rung, and players start in a small one.
#[test]
fn a_screen_has_few_rungs_in_good_quality() {
    let plan = titled(of(145_000, 800, 1_100));
    assert_eq!(told(&plan), [(1080, 21, 2500), (480, 21, 700)]);
}

#[test]
fn a_walk_through_a_park_keeps_every_rung_at_its_cap() {
    let plan = titled(of(400_000, 58_000, 73_000));
    assert_eq!(told(&plan), USUAL);
}

/// A title may be harder elsewhere than at the tried positions, so caps have a lower bound.
#[test]
fn a_cap_follows_the_hardest_place_and_never_falls_under_half_of_its_boxs() {
    let cap = |hardest| told(&titled(of(400_000, 20_000, hardest)))[0].2;
    assert_eq!(cap(12_000), 3750);
    assert_eq!(cap(200_000), 5000);
    assert_eq!(told(&titled(of(0, 0, 0)))[0].2, 2500);
}

proptest! {
    #[test]
    fn harder_titles_get_no_better_quality_and_no_fewer_rungs(
        key in 0u32.., following in 0u32.., hardest in 0u32.., harder in 0u32..,
        width in 16u32..8192, height in 16u32..4096,
    ) {
        let sized = |mut video: VideoTrack| {
            (video.coded_width, video.coded_height) = (width, height);
            video
        };
        let easy = titled(sized(of(key, following, hardest)));
        let hard = titled(sized(of(
            key.saturating_add(harder),
            following.saturating_add(harder),
            hardest.saturating_add(harder),
        )));
        let usual = {
            let mut video = sized(of(0, 0, 0));
            video.complexity = None;
            titled(video)
        };
        for plan in [&easy, &hard] {
            prop_assert_eq!(plan.video[0].rung, usual.video[0].rung);
            let starts = |plan: &Plan| plan.video.iter().filter(|v| v.rung <= 480).map(|v| v.rung).max();
            prop_assert_eq!(starts(plan), starts(&usual));
            for rung in &plan.video {
                let same = usual.video.iter().find(|v| v.rung == rung.rung).unwrap();
                prop_assert!(rung.cap_bits_per_second <= same.cap_bits_per_second);
                prop_assert!(2 * rung.cap_bits_per_second >= same.cap_bits_per_second);
                prop_assert_eq!(&rung.scale_path, &same.scale_path);
            }
        }
        prop_assert!(easy.video[0].crf <= hard.video[0].crf);
    }
}

//! Choice of rungs from their measured sizes, after they are made.

use std::collections::BTreeMap;

use plan::{LazyCodec, Plan, RenditionId};
use proptest::prelude::*;

use crate::sources::{everyday, picture, planned, rational, source};

/// Average bit rates of a plan's rungs, from kilobits per second, highest rung first.
fn taking(plan: &Plan, kbit: &[u64]) -> BTreeMap<RenditionId, u64> {
    let rungs = plan.video.iter().zip(kbit);
    rungs.map(|(rung, kbit)| (rung.id, kbit * 1000)).collect()
}

/// Boxes that remain of the usual five rungs when the rungs take these kilobits per second.
fn left(kbit: [u64; 5]) -> Vec<u32> {
    let plan = planned(&everyday());
    let next = plan.pruned(&taking(&plan, &kbit)).unwrap_or(plan);
    next.video.iter().map(|rung| rung.rung).collect()
}

#[test]
fn a_rung_is_left_out_that_nobody_needs_or_that_saves_little() {
    assert_eq!(
        left([5000, 2800, 1400, 800, 400]),
        [1080, 720, 480, 360, 240]
    );
    // Every viewer has the bandwidth for the top rung; players start in the rung of at most 480 lines.
    assert_eq!(left([450, 300, 200, 150, 100]), [1080, 480]);
    assert_eq!(left([2000, 1600, 1000, 500, 250]), [1080, 480, 360]);
    // A saving of a quarter is enough. It is compared with the last rung that is kept.
    assert_eq!(left([4000, 3000, 2900, 2200, 1650]), [1080, 720, 480, 240]);
    assert_eq!(left([4000, 3001, 2900, 2175, 1632]), [1080, 480, 360]);
    // The top rung takes fewer bits than the rungs below it, e.g. because the source was scaled up.
    assert_eq!(left([600, 900, 800, 700, 650]), [1080, 480]);
}

#[test]
fn all_rungs_are_kept_if_a_size_is_unknown() {
    let plan = planned(&everyday());
    let all = taking(&plan, &[9; 5]);
    for rung in &plan.video {
        let mut known = all.clone();
        known.remove(&rung.id);
        assert_eq!(plan.pruned(&known), None);
    }
    let sound = planned(&source(None, everyday().audio));
    assert_eq!(sound.pruned(&BTreeMap::new()), None);
}

#[test]
fn other_codecs_have_the_same_rungs_and_nothing_else_changes() {
    let mut plan = planned(&everyday());
    for codec in LazyCodec::ALL {
        plan = plan.with_codec(codec).unwrap();
    }
    let next = plan
        .pruned(&taking(&plan, &[450, 300, 200, 150, 100]))
        .unwrap();
    for (before, lazy) in plan.lazy.iter().zip(&next.lazy) {
        let kept = [&before.video[0], &before.video[2]];
        assert!(lazy.video.iter().eq(kept));
        assert_eq!(lazy.audio, before.audio);
    }
    // Codecs that are added later get the same rungs.
    let late = planned(&everyday());
    let late = late
        .pruned(&taking(&late, &[450, 300, 200, 150, 100]))
        .unwrap();
    let late = LazyCodec::ALL
        .into_iter()
        .fold(late, |plan, codec| plan.with_codec(codec).unwrap());
    assert_eq!(late, next);
    let restored = Plan {
        video: plan.video.clone(),
        lazy: plan.lazy.clone(),
        ..next
    };
    assert_eq!(restored, plan);
}

proptest! {
    #[test]
    fn the_top_and_a_start_rung_stay_and_a_repetition_changes_nothing(
        kbit in prop::collection::vec(0u64..20_000_000, 7),
        width in 16u32..8192, height in 16u32..4096,
    ) {
        let video = picture((width, height), rational(30, 1), rational(20, 1));
        let plan = planned(&source(Some(video), Vec::new()));
        let averages = taking(&plan, &kbit);
        let Some(next) = plan.pruned(&averages) else { return Ok(()); };
        prop_assert_eq!(&next.video[0], &plan.video[0]);
        prop_assert!(next.video.len() < plan.video.len());
        let start = |plan: &Plan| plan.video[plan.start_rungs()[0]].id;
        prop_assert_eq!(start(&next), start(&plan));
        let mut all = plan.video.iter();
        prop_assert!(next.video.iter().all(|kept| all.any(|rung| rung == kept)));
        prop_assert_eq!(next.pruned(&averages), None);
    }
}

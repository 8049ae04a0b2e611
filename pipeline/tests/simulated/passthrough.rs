//! Passthrough: the source's own pictures are the top rung.

use std::sync::Arc;

use pipeline::{Config, Viewer};
use plan::{Plan, RenditionId, SegmentKey};
use store::metadata::{State, VideoRow};

use super::support::{House, Script, house_with};

fn passes(config: &mut Config) {
    config.policy.passthrough = true;
}

fn is_whole(row: &VideoRow) -> bool {
    row.state == State::Ready && !row.is_unfinished()
}

/// All plans that a video has had, the first one first. Measuring the loudness makes a plan too.
async fn plans(house: &House, row: &VideoRow) -> Vec<Arc<Plan>> {
    let mut plans = Vec::new();
    for known in &row.plans {
        let current_plan = Some(known.hash.clone());
        let then = VideoRow {
            current_plan,
            ..row.clone()
        };
        plans.push(
            house
                .pipeline
                .videos()
                .plan_of(&then)
                .await
                .unwrap()
                .unwrap(),
        );
    }
    plans
}

/// All media renditions of a plan except its top rung.
fn others(plan: &Plan) -> Vec<RenditionId> {
    let top = plan.video[0].id;
    let storyboard = plan.storyboard.as_ref().map(|storyboard| storyboard.id);
    let media = plan.media_ids().filter(|id| *id != top);
    media.chain(storyboard).collect()
}

#[tokio::test]
async fn what_can_be_passed_through_is() {
    let folder = tempfile::tempdir().unwrap();
    let script = Script::of(60);
    script.is_coded(None);
    let house = house_with(folder.path(), &script, passes).await;
    let video = house.upload().await;
    let row = house.until(video, is_whole).await;
    let plan = house
        .pipeline
        .videos()
        .plan_of(&row)
        .await
        .unwrap()
        .unwrap();
    let top = plan.passed_through().unwrap().id;
    let stored = house.segments(video).await;
    assert!((0..plan.segments()).all(|segment| stored.contains_key(&(top, segment))));
    for known in plans(&house, &row).await {
        assert!(known.media_ids().eq(plan.media_ids()));
    }
}

/// The index is wrong about one segment; later players do not get the passed-through rung.
#[tokio::test]
async fn what_turns_out_otherwise_is_encoded_and_open_players_go_on() {
    let folder = tempfile::tempdir().unwrap();
    let script = Script::of(60);
    script.is_coded(Some(9));
    let house = house_with(folder.path(), &script, passes).await;
    let video = house.upload().await;
    let row = house.until(video, is_whole).await;
    let plan = house
        .pipeline
        .videos()
        .plan_of(&row)
        .await
        .unwrap()
        .unwrap();
    let plans = plans(&house, &row).await;
    let first = &plans[0];
    assert!(first.passed_through().is_some());
    let pairs = plans.windows(2);
    let changes = pairs.filter(|pair| pair[0].video[0].id != pair[1].video[0].id);
    assert_eq!(changes.count(), 1, "the rung is encoded once and for all");
    for known in &plans {
        assert_eq!(known.timeline, first.timeline);
        assert_eq!(known.video[1..], first.video[1..]);
        assert_eq!(others(known), others(first));
    }
    assert!(plan.passed_through().is_none());
    assert_eq!(plan.video[0].rung, first.video[0].rung);
    assert_eq!(row.notes, []);
    let stored = house.segments(video).await;
    let is_made = |id, segment| {
        stored
            .get(&(id, segment))
            .is_some_and(|made| sketch::word(made).unwrap() != "filler")
    };
    let mut segments = 0..plan.segments();
    assert!(segments.all(|segment| is_made(plan.video[0].id, segment)));
    let key = SegmentKey {
        video,
        rendition: first.video[0].id,
        index: 9,
    };
    let segment = house
        .pipeline
        .playback()
        .segment(key, Viewer::default())
        .await;
    let bytes = segment.unwrap().bytes;
    assert_eq!(sketch::word(&bytes).unwrap(), "filler");
}

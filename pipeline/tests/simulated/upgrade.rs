//! Upgrades: the libraries of engines are replaced half-way, and segments of two versions never stand side by side.

use std::sync::Arc;

use pipeline::{Config, DemandError, Viewer};
use plan::{Plan, RenditionKey, SegmentKey, VideoId};
use store::metadata::{State, VideoRow};

use super::support::{Cluster, House, Script, assert_made, house, house_with};

impl House {
    /// Asserts that every segment of the current plan fits the stored init segment.
    async fn assert_agreed(&self, video: VideoId) -> Arc<Plan> {
        let row = self.row(video).await;
        let plan = self.pipeline.videos().plan_of(&row).await.unwrap().unwrap();
        let stored = self.segments(video).await;
        for rendition in plan.media_ids() {
            let key = RenditionKey { video, rendition };
            let init = self.pipeline.playback().init(key).await.unwrap();
            for segment in 0..plan.segments() {
                let word = sketch::word(&stored[&(rendition, segment)]).unwrap();
                let version = word
                    .split_once(" by ")
                    .map_or(0, |(_, n)| n.parse().unwrap());
                assert_eq!(init, sketch::init(&plan, rendition, version), "{word}");
            }
        }
        plan
    }
}

const IS_READY: fn(&VideoRow) -> bool = |row| row.state == State::Ready;

#[tokio::test]
async fn what_another_version_cannot_go_on_with_is_begun_anew() {
    let folder = tempfile::tempdir().unwrap();
    let script = Script::of(60);
    script.gate(Some(5));
    let first = house(folder.path(), &script).await;
    let video = first.upload().await;
    let (_, begun) = first.until_playable(video).await;
    script.until_waiting(1).await;
    first.pipeline.stop().await;
    drop(first);

    let script = Script::of(60);
    script.libraries_are(1);
    let house = house(folder.path(), &script).await;
    house.until(video, IS_READY).await;
    let plan = house.assert_agreed(video).await;
    assert_eq!(plan.timeline, begun.timeline);
    for id in begun.media_ids() {
        assert!(plan.given_up.contains(&id) && !plan.lists(id), "{id}");
    }
    // A player of the old renditions plays on as far as they are made, and then looks for the new ones.
    let old = begun.video[0].id;
    let key = |index| SegmentKey {
        video,
        rendition: old,
        index,
    };
    let viewer = Viewer::default;
    let made = house
        .pipeline
        .playback()
        .segment(key(0), viewer())
        .await
        .unwrap();
    assert_made(&made.bytes, old, 0);
    let last = plan.segments() - 1;
    let gone = house.pipeline.playback().segment(key(last), viewer()).await;
    assert!(matches!(gone, Err(DemandError::Gone)), "{gone:?}");
    house.pipeline.stop().await;
}

#[tokio::test]
async fn libraries_may_be_exchanged_while_a_server_runs() {
    let folder = tempfile::tempdir().unwrap();
    let script = Script::of(60);
    script.gate(Some(4));
    let house = house(folder.path(), &script).await;
    let video = house.upload().await;
    for version in 1..4 {
        script.until_waiting(1).await;
        script.libraries_are(version);
        script.gate(Some(4 + u32::from(version)));
    }
    script.gate(None);
    house.until(video, IS_READY).await;
    house.assert_agreed(video).await;
    house.pipeline.stop().await;
}

#[tokio::test]
async fn what_is_whole_stays_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let script = Script::of(20);
    let first = house(folder.path(), &script).await;
    let video = first.upload().await;
    let ready = first.until(video, IS_READY).await;
    first.pipeline.stop().await;
    drop(first);
    let script = Script::of(20);
    script.libraries_are(1);
    let house = house(folder.path(), &script).await;
    let row = house.row(video).await;
    assert_eq!(row.current_plan, ready.current_plan);
    house.assert_agreed(video).await;
    assert!(script.made().is_empty());
    house.pipeline.stop().await;
}

#[tokio::test]
async fn what_no_worker_can_go_on_with_is_begun_anew() {
    let folder = tempfile::tempdir().unwrap();
    let script = Script::of(60);
    script.gate(Some(5));
    let cluster = Cluster::open(folder.path(), &script);
    let house = &cluster.house;
    let before = cluster.worker();
    let video = house.upload().await;
    let (_, begun) = house.until_playable(video).await;
    script.until_waiting(1).await;
    before.stop().await;
    let upgraded = Script::of(60);
    upgraded.libraries_are(1);
    let workers = [cluster.worker_of(&upgraded), cluster.worker_of(&upgraded)];
    house.until(video, IS_READY).await;
    let plan = house.assert_agreed(video).await;
    assert!(begun.media_ids().all(|id| plan.given_up.contains(&id)));
    for worker in workers {
        worker.stop().await;
    }
}

#[tokio::test]
async fn what_one_worker_can_go_on_with_it_does() {
    let folder = tempfile::tempdir().unwrap();
    let script = Script::of(60);
    script.gate(Some(5));
    let cluster = Cluster::open(folder.path(), &script);
    let house = &cluster.house;
    let old = cluster.worker();
    let video = house.upload().await;
    house.until_playable(video).await;
    script.until_waiting(1).await;
    let upgraded = Script::of(60);
    upgraded.libraries_are(1);
    let new = cluster.worker_of(&upgraded);
    // The upgraded worker has tried the rendition before the old one goes on.
    house
        .until_workers(|worker| worker.declines.is_empty() == (worker.warm.contains(&video)))
        .await;
    script.gate(None);
    house.until(video, IS_READY).await;
    let plan = house.assert_agreed(video).await;
    assert!(plan.given_up.is_empty(), "{:?}", plan.given_up);
    for worker in [old, new] {
        worker.stop().await;
    }
}

/// A player that opened the video before the sound was levelled plays the replaced sound; another encoder must not
/// continue that.
#[tokio::test]
async fn what_was_replaced_before_is_gone_where_it_is_not_made() {
    let folder = tempfile::tempdir().unwrap();
    let levels = |config: &mut Config| config.policy.loudness_lufs = Some(-17);
    let first = house_with(folder.path(), &Script::of(300), levels).await;
    let video = first.upload().await;
    let (_, begun) = first.until_playable(video).await;
    let is_whole = |row: &VideoRow| row.state == State::Ready && !row.is_unfinished();
    first.until(video, is_whole).await;
    first.pipeline.stop().await;
    drop(first);
    let script = Script::of(300);
    script.libraries_are(1);
    let house = house_with(folder.path(), &script, levels).await;
    let key = SegmentKey {
        video,
        rendition: begun.audio[0].id,
        index: begun.segments() - 1,
    };
    // The first request has the rendition tried.
    let mut asked = house
        .pipeline
        .playback()
        .segment(key, Viewer::default())
        .await;
    if matches!(asked, Err(DemandError::NotReady)) {
        asked = house
            .pipeline
            .playback()
            .segment(key, Viewer::default())
            .await;
    }
    assert!(matches!(asked, Err(DemandError::Gone)), "{asked:?}");
    assert!(
        !house
            .segments(video)
            .await
            .contains_key(&(key.rendition, key.index))
    );
    house.assert_agreed(video).await;
    house.pipeline.stop().await;
}

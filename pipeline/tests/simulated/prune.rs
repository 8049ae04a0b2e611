//! Rungs that turn out not to be worth their bytes, and leave the plan.

use std::path::Path;
use std::sync::Arc;

use super::support::{Fault, HeldPlan, House, MEASURED, Script, assert_made, house_with};
use pipeline::{Config, Pipeline, Progress, Viewer};
use plan::{CueList, LazyCodec, Plan, SegmentKey, VideoId};
use store::metadata::{State, VideoRow};

fn prunes(config: &mut Config) {
    config.policy.per_title = true;
}

fn is_whole(row: &VideoRow) -> bool {
    row.state == State::Ready && !row.is_unfinished()
}

fn boxes(plan: &Plan) -> Vec<u32> {
    plan.video.iter().map(|rung| rung.rung).collect()
}

impl House {
    async fn plan_at(&self, row: &VideoRow, at: usize) -> Arc<Plan> {
        let current_plan = Some(row.plans[at].hash.clone());
        let then = VideoRow {
            current_plan,
            ..row.clone()
        };
        self.pipeline
            .videos()
            .plan_of(&then)
            .await
            .unwrap()
            .unwrap()
    }

    async fn newest_plan(&self, row: &VideoRow) -> Arc<Plan> {
        self.plan_at(row, row.plans.len() - 1).await
    }

    /// Asserts that a video of four rungs, with segments of a few bytes, kept the two rungs that are worth their bytes.
    async fn assert_pruned(&self, video: VideoId, script: &Script) {
        let row = self.until(video, is_whole).await;
        let (first, plan) = (self.plan_at(&row, 0).await, self.newest_plan(&row).await);
        assert_eq!(boxes(&first), [720, 480, 360, 240]);
        assert_eq!(plan.video, first.video[..2]);
        assert_eq!(plan.trick_play, first.trick_play);
        assert_eq!(plan.timeline, first.timeline);
        let made = script.made();
        assert!(made.values().all(|times| *times == 1), "{made:?}");
        // Players that opened the video before can play all rungs.
        for rung in &first.video {
            let rendition = rung.id;
            let found = self
                .pipeline
                .videos()
                .plan_with(video, rendition)
                .await
                .unwrap()
                .unwrap();
            assert!(found.lists(rendition));
            for index in 0..first.segments() {
                let key = SegmentKey {
                    video,
                    rendition,
                    index,
                };
                let delivered = self
                    .pipeline
                    .playback()
                    .segment(key, Viewer::default())
                    .await;
                assert_made(&delivered.unwrap().bytes, rendition, index);
            }
        }
        let Progress { made, total } = self.pipeline.videos().progress(&row).await.unwrap();
        assert_eq!(made, total);
        let averages = &row.average_bandwidth;
        assert!(plan.media_ids().all(|id| averages.contains_key(&id)));
        let changes = row.plans.len();
        let pruned = (0..changes).map(async |at| self.plan_at(&row, at).await.video.len());
        let pruned = futures::future::join_all(pruned).await;
        assert_eq!(pruned.iter().filter(|rungs| **rungs == 2).count(), 1);
    }
}

#[tokio::test]
async fn rungs_that_are_not_worth_it_are_left_out_and_stay_for_who_plays_them() {
    let folder = tempfile::tempdir().unwrap();
    let script = Script::of(60);
    let house = house_with(folder.path(), &script, prunes).await;
    let video = house.upload().await;
    house.assert_pruned(video, &script).await;
}

#[tokio::test]
async fn the_sources_own_pictures_stay_the_top_rung() {
    let folder = tempfile::tempdir().unwrap();
    let script = Script::of(60);
    script.is_coded(None);
    let passes = |config: &mut Config| {
        prunes(config);
        config.policy.passthrough = true;
    };
    let house = house_with(folder.path(), &script, passes).await;
    let video = house.upload().await;
    house.assert_pruned(video, &script).await;
    let row = house.row(video).await;
    let plan = house.newest_plan(&row).await;
    assert!(plan.video[0].passed_through.is_some());
}

#[tokio::test]
async fn rungs_that_are_worth_it_stay() {
    let folder = tempfile::tempdir().unwrap();
    let script = Script::of(2);
    // Two segments of a second each: 800, 760, 720 and 384 kbit/s. Players start in the second rung, and the third
    // saves nothing.
    script.are_sized([(720, 100_000), (480, 95_000), (360, 90_000), (240, 48_000)]);
    let house = house_with(folder.path(), &script, prunes).await;
    let video = house.upload().await;
    let row = house.until(video, is_whole).await;
    assert_eq!(boxes(&*house.newest_plan(&row).await), [720, 480, 240]);
}

#[tokio::test]
async fn an_operator_may_want_the_same_rungs_of_all() {
    let folder = tempfile::tempdir().unwrap();
    let house = house_with(folder.path(), &Script::of(20), |_| {}).await;
    let video = house.upload().await;
    let row = house.until(video, is_whole).await;
    assert_eq!(boxes(&*house.newest_plan(&row).await), [720, 480, 360, 240]);
}

/// A filler has almost no bytes, so the rungs below a rung with fillers seem to save nothing.
#[tokio::test]
async fn what_could_not_be_decoded_decides_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let script = Script::of(60);
    script.picture_fault(7, Fault::Fails, u32::MAX);
    let house = house_with(folder.path(), &script, prunes).await;
    let video = house.upload().await;
    let row = house.until(video, is_whole).await;
    assert_eq!(row.notes.len(), 1);
    assert_eq!(boxes(&*house.newest_plan(&row).await), [720, 480, 360, 240]);
}

/// Opens a house whose store holds back pruned plans until they are released.
async fn slow(folder: &Path, script: &Arc<Script>, set: fn(&mut Config)) -> (House, Arc<HeldPlan>) {
    let mut settings = Config::default();
    let House {
        pipeline,
        mut stores,
        disk,
    } = house_with(folder, script, |config| {
        set(config);
        settings = config.clone();
    })
    .await;
    pipeline.stop().await;
    let held = Arc::new(HeldPlan::of(stores.objects.clone(), 2));
    stores.objects = held.clone();
    let pipeline = Pipeline::start(stores.clone(), script.engine(), settings);
    let pipeline = pipeline.await.unwrap();
    let house = House {
        pipeline,
        stores,
        disk,
    };
    (house, held)
}

#[tokio::test]
async fn what_comes_meanwhile_is_not_lost() {
    let folder = tempfile::tempdir().unwrap();
    let script = Script::of(300);
    let levels = |config: &mut Config| {
        prunes(config);
        config.policy.loudness_lufs = Some(-17);
    };
    let (house, held) = slow(folder.path(), &script, levels).await;
    let video = house.upload().await;
    house.until_playable(video).await;
    let pipeline = &house.pipeline;
    pipeline
        .videos()
        .add_codec(video, LazyCodec::Av1)
        .await
        .unwrap();
    held.until_held().await;
    pipeline
        .videos()
        .add_codec(video, LazyCodec::Hevc)
        .await
        .unwrap();
    let text = CueList::parse(b"1\n00:00:01,000 --> 00:00:02,000\nlate\n").unwrap();
    let put = pipeline
        .videos()
        .put_side_car(video, "de", "de", &text)
        .await;
    assert!(put.unwrap());
    held.release();
    let row = house.until(video, is_whole).await;
    let plan = house.newest_plan(&row).await;
    assert_eq!(boxes(&plan), [720, 480]);
    assert_eq!(plan.side_cars.len(), 1);
    assert_eq!(plan.loudness.as_deref(), Some(&[MEASURED][..]));
    assert_eq!(plan.audio[0].gain_millibels, 600);
    assert_eq!(plan.lazy.len(), 2);
    let made = script.made();
    for lazy in &plan.lazy {
        let rungs: Vec<u32> = lazy.video.iter().map(|rung| rung.rung).collect();
        assert_eq!(rungs, [720, 480]);
    }
    // Other codecs too are made only for rungs that some player is offered.
    let of_first = house.plan_at(&row, 0).await;
    let is_offered = |id| plan.lists(id) || of_first.lists(id);
    assert!(made.keys().all(|(id, _)| is_offered(*id)));
}

#[tokio::test]
async fn a_kill_before_it_or_after_it_is_made_up_for() {
    let folder = tempfile::tempdir().unwrap();
    let script = Script::of(60);
    let (house, held) = slow(folder.path(), &script, prunes).await;
    let video = house.upload().await;
    held.until_held().await;
    assert_eq!(house.row(video).await.state, State::Playable);
    house.pipeline.stop().await;
    drop((house, held));

    let house = house_with(folder.path(), &script, prunes).await;
    house.assert_pruned(video, &script).await;
    house.pipeline.stop().await;
    let not_ready_yet = |row: &mut VideoRow| {
        row.state = State::Playable;
        (row.ready_at_us, row.whole_plan) = (None, None);
        true
    };
    let rows = house.stores.metadata.videos();
    let row = store::metadata::videos::change(rows, &video, not_ready_yet);
    let plans = row.await.unwrap().plans;
    drop(house);

    let house = house_with(folder.path(), &script, prunes).await;
    house.assert_pruned(video, &script).await;
    assert_eq!(house.row(video).await.plans, plans);
}

//! Loudness: sound is measured, and levelled where the operator wants that.

use std::sync::Arc;

use super::support::{House, MEASURED, Script, assert_made, house, house_with};
use bytes::Bytes;
use pipeline::{Config, Viewer};
use plan::{Code, Plan, SegmentKey, VideoId};
use store::metadata::{State, VideoRow};

/// Target loudness in LUFS: 6 dB above what the fake engines measure.
const TARGET: i32 = -17;

fn levels(config: &mut Config) {
    config.policy.loudness_lufs = Some(TARGET);
}

impl House {
    async fn plan(&self, row: &VideoRow) -> Arc<Plan> {
        self.pipeline.videos().plan_of(row).await.unwrap().unwrap()
    }

    async fn sound(&self, video: VideoId, plan: &Plan, index: u32) -> Bytes {
        let key = SegmentKey {
            video,
            rendition: plan.audio[0].id,
            index,
        };
        let viewer = Viewer::default();
        self.pipeline
            .playback()
            .segment(key, viewer)
            .await
            .unwrap()
            .bytes
    }

    /// Asserts that all sound segments of the plan are stored.
    async fn assert_sound(&self, video: VideoId, plan: &Plan) {
        let stored = self.segments(video).await;
        let id = plan.audio[0].id;
        assert!((0..plan.segments()).all(|segment| stored.contains_key(&(id, segment))));
    }
}

fn is_whole(row: &VideoRow) -> bool {
    row.state == State::Ready && !row.is_unfinished()
}

#[tokio::test]
async fn sound_is_measured_and_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let house = house(folder.path(), &Script::of(300)).await;
    let video = house.upload().await;
    let (_, first) = house.until_playable(video).await;
    let row = house.until(video, is_whole).await;
    let plan = house.plan(&row).await;
    assert_eq!(plan.loudness.as_deref(), Some(&[MEASURED][..]));
    assert!(plan.media_ids().eq(first.media_ids()));
}

#[tokio::test]
async fn sound_is_levelled_by_a_new_plan_and_the_old_one_is_still_served() {
    let folder = tempfile::tempdir().unwrap();
    let script = Script::of(300);
    let house = house_with(folder.path(), &script, levels).await;
    let video = house.upload().await;
    let (_, first) = house.until_playable(video).await;
    let row = house.until(video, is_whole).await;
    let plan = house.plan(&row).await;
    assert_eq!(plan.audio[0].gain_millibels, 600);
    assert_ne!(plan.audio[0].id, first.audio[0].id);
    assert_eq!(plan.video, first.video);
    house.assert_sound(video, &plan).await;
    // A player that opened the video before the change can play on, also where nothing is stored.
    let last = plan.segments() - 1;
    let id = first.audio[0].id;
    let stored = house.segments(video).await;
    assert!(
        !stored.contains_key(&(id, last)),
        "the replaced sound was encoded too"
    );
    assert_made(&house.sound(video, &first, last).await, id, last);
    assert!(script.made().values().all(|times| *times == 1));
}

#[tokio::test]
async fn short_sound_is_levelled_before_anybody_can_watch() {
    let folder = tempfile::tempdir().unwrap();
    let house = house_with(folder.path(), &Script::of(30), levels).await;
    let video = house.upload().await;
    let row = house.until(video, is_whole).await;
    let plan = house.plan(&row).await;
    assert_eq!((plan.audio[0].gain_millibels, row.plans.len()), (600, 1));
    house.assert_sound(video, &plan).await;
}

/// The video looks like one that was encoded before loudness was measured.
#[tokio::test]
async fn a_ready_video_is_levelled_when_it_is_watched_and_stays_ready() {
    let folder = tempfile::tempdir().unwrap();
    let script = Script::of(60);
    let video = {
        let house = house(folder.path(), &script).await;
        let video = house.upload().await;
        let row = house.until(video, is_whole).await;
        let unmeasured = row.plans[0].hash.clone();
        let go_back = |row: &mut VideoRow| {
            row.current_plan = Some(unmeasured.clone());
            row.whole_plan.clone_from(&row.current_plan);
            true
        };
        let rows = house.stores.metadata.videos();
        let row = store::metadata::videos::change(rows, &video, go_back);
        assert!(house.plan(&row.await.unwrap()).await.lacks_loudness());
        house.pipeline.stop().await;
        video
    };
    let house = house_with(folder.path(), &script, levels).await;
    let row = house.row(video).await;
    let before = house.plan(&row).await;
    house.pipeline.playback().note_watched(&row, &before);
    let is_levelled = |row: &VideoRow| {
        assert_eq!(row.state, State::Ready);
        !row.is_unfinished() && row.plans.len() > 2
    };
    let row = house.until(video, is_levelled).await;
    let plan = house.plan(&row).await;
    assert_eq!(plan.audio[0].gain_millibels, 600);
    house.assert_sound(video, &plan).await;
    assert!(row.average_bandwidth.contains_key(&plan.audio[0].id));
}

#[tokio::test]
async fn sound_that_cannot_be_measured_stays_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    for seconds in [30, 300] {
        let script = Script::of(seconds);
        script.loudness_fails();
        let house = house_with(&folder.path().join(seconds.to_string()), &script, levels).await;
        let video = house.upload().await;
        let row = house.until(video, is_whole).await;
        let plan = house.plan(&row).await;
        assert_eq!(plan.loudness.as_deref(), Some(&[][..]));
        assert_eq!(plan.audio[0].gain_millibels, 0);
        let codes: Vec<_> = row.notes.iter().map(|note| note.code).collect();
        assert_eq!(codes, [Code::Corrupt]);
    }
}

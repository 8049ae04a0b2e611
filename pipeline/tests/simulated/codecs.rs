//! Lazy codecs: a video gets another codec once everything else is made.

use std::sync::Arc;
use std::time::Duration;

use super::support::{Cluster, Fault, House, Script, house};
use pipeline::{CodecError, CodecState};
use plan::{LazyCodec, Plan, RenditionId, VideoId};
use store::metadata::{State, VideoRow};

/// Limit of a wait: longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(60);

fn has_nothing_left(row: &VideoRow) -> bool {
    row.state == State::Ready && row.whole_plan == row.current_plan
}

impl House {
    async fn state_of(&self, video: VideoId, codec: LazyCodec) -> CodecState {
        let states = self
            .pipeline
            .videos()
            .codecs(&self.row(video).await)
            .await
            .unwrap();
        states.iter().find(|(known, _)| *known == codec).unwrap().1
    }

    async fn current_plan(&self, video: VideoId) -> Arc<Plan> {
        let row = self.row(video).await;
        self.pipeline.videos().plan_of(&row).await.unwrap().unwrap()
    }

    /// Asserts that all segments of a codec are stored and have the right bytes.
    async fn assert_listed(&self, video: VideoId, codec: LazyCodec) {
        assert_eq!(self.state_of(video, codec).await, CodecState::Listed);
        let (plan, stored) = (self.current_plan(video).await, self.segments(video).await);
        for rendition in plan.lazy_in(codec).unwrap().ids() {
            for segment in 0..plan.segments() {
                let word = sketch::word(&stored[&(rendition, segment)]);
                assert_eq!(word, Some(format!("{rendition} {segment}")));
            }
            let key = plan::RenditionKey { video, rendition };
            let init = self.pipeline.playback().init(key).await.unwrap();
            assert_eq!(init, sketch::init(&plan, rendition, 0));
        }
    }
}

#[tokio::test]
async fn a_codec_is_listed_only_when_it_is_whole_and_a_kill_in_the_middle_continues() {
    let folder = tempfile::tempdir().unwrap();
    let script = Script::of(40);
    let first = house(folder.path(), &script).await;
    let video = first.upload().await;
    let ready = first.until(video, has_nothing_left).await;
    script.gate(Some(4));
    first
        .pipeline
        .videos()
        .add_codec(video, LazyCodec::Hevc)
        .await
        .unwrap();
    script.until_waiting(1).await;
    let row = first.row(video).await;
    assert_eq!(
        (row.state, row.ready_at_us),
        (State::Ready, ready.ready_at_us)
    );
    assert_eq!(row.average_bandwidth, ready.average_bandwidth);
    let progress = first.pipeline.videos().progress(&row).await.unwrap();
    assert_eq!(progress.made, progress.total);
    let state = first.state_of(video, LazyCodec::Hevc).await;
    assert!(
        matches!(state, CodecState::Pending(p) if p.made > 0 && p.made < p.total),
        "{state:?}"
    );
    first.pipeline.stop().await;
    drop(first);

    let again = Script::of(40);
    let house = house(folder.path(), &again).await;
    house.until(video, has_nothing_left).await;
    house.assert_listed(video, LazyCodec::Hevc).await;
    let made = again.made();
    assert!(made.keys().all(|(_, segment)| *segment >= 4), "{made:?}");
    let key = |rendition| plan::RenditionKey { video, rendition };
    for rendition in house.current_plan(video).await.media_ids() {
        house
            .pipeline
            .playback()
            .init(key(rendition))
            .await
            .unwrap();
    }
    house.pipeline.videos().delete(video).await.unwrap();
    let swept = async {
        while !house.segments(video).await.is_empty() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, swept)
        .await
        .expect("all of it is deleted");
    house.pipeline.stop().await;
}

#[tokio::test]
async fn everything_else_comes_first_and_one_codec_after_the_other() {
    let folder = tempfile::tempdir().unwrap();
    let script = Script::of(40);
    let house = house(folder.path(), &script).await;
    let video = house.upload().await;
    house.until(video, has_nothing_left).await;
    script.gate(Some(5));
    let other = house.upload().await;
    script.until_waiting(1).await;
    for codec in [LazyCodec::Av1, LazyCodec::Hevc] {
        house
            .pipeline
            .videos()
            .add_codec(video, codec)
            .await
            .unwrap();
        // Asking a second time changes nothing.
        house
            .pipeline
            .videos()
            .add_codec(video, codec)
            .await
            .unwrap();
    }
    script.gate(None);
    house.until(video, has_nothing_left).await;
    assert_eq!(house.row(other).await.state, State::Ready);
    let plan = house.current_plan(video).await;
    let [hevc, av1] = &plan.lazy[..] else {
        panic!("two codecs");
    };
    let order = script.order_of_renditions();
    let last = |is: &dyn Fn(RenditionId) -> bool| order.iter().rposition(|&id| is(id)).unwrap();
    let first = |is: &dyn Fn(RenditionId) -> bool| order.iter().position(|&id| is(id)).unwrap();
    let is_hevc = |id| hevc.ids().any(|own| own == id);
    let is_av1 = |id| av1.ids().any(|own| own == id);
    assert!(last(&|id| !is_hevc(id) && !is_av1(id)) < first(&is_hevc));
    assert!(last(&is_hevc) < first(&is_av1));
    for codec in LazyCodec::ALL {
        house.assert_listed(video, codec).await;
    }
    house.pipeline.stop().await;
}

#[tokio::test]
async fn a_codec_that_was_asked_for_early_does_not_keep_a_video_from_being_ready() {
    let folder = tempfile::tempdir().unwrap();
    let script = Script::of(40);
    let house = house(folder.path(), &script).await;
    script.gate(Some(6));
    let video = house.upload().await;
    house.until_playable(video).await;
    house
        .pipeline
        .videos()
        .add_codec(video, LazyCodec::Av1)
        .await
        .unwrap();
    script.gate(None);
    let row = house.until_over(video).await;
    assert_eq!(row.state, State::Ready);
    house.until(video, has_nothing_left).await;
    house.assert_listed(video, LazyCodec::Av1).await;
    let none = house.stores.ids.video();
    let refused = house
        .pipeline
        .videos()
        .add_codec(none, LazyCodec::Av1)
        .await;
    assert!(matches!(refused, Err(CodecError::NotFound)));
    house.pipeline.stop().await;
}

/// The engine lacks the encoder; everything else of the video stays.
#[tokio::test]
async fn a_codec_that_cannot_be_made_is_given_up_and_may_be_asked_for_again() {
    let folder = tempfile::tempdir().unwrap();
    let script = Script::of(20);
    let house = house(folder.path(), &script).await;
    let video = house.upload().await;
    let ready = house.until(video, has_nothing_left).await;
    script.picture_fault(2, Fault::Fails, 1000);
    script.fillers_fail(true);
    house
        .pipeline
        .videos()
        .add_codec(video, LazyCodec::Hevc)
        .await
        .unwrap();
    let epoch = house.row(video).await.epoch;
    let given_up = |row: &VideoRow| row.epoch > epoch && has_nothing_left(row);
    let row = house.until(video, given_up).await;
    assert_eq!(row.average_bandwidth, ready.average_bandwidth);
    assert_eq!(
        house.state_of(video, LazyCodec::Hevc).await,
        CodecState::Failed
    );
    script.heal();
    house
        .pipeline
        .videos()
        .add_codec(video, LazyCodec::Hevc)
        .await
        .unwrap();
    house.until(video, has_nothing_left).await;
    house.assert_listed(video, LazyCodec::Hevc).await;
    house.pipeline.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn workers_make_what_an_origin_was_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let cluster = Cluster::open(folder.path(), &Script::of(100));
    let workers = [cluster.worker(), cluster.worker()];
    let house = &cluster.house;
    let video = house.upload().await;
    house.until(video, has_nothing_left).await;
    for codec in LazyCodec::ALL {
        house
            .pipeline
            .videos()
            .add_codec(video, codec)
            .await
            .unwrap();
    }
    house.until(video, has_nothing_left).await;
    for codec in LazyCodec::ALL {
        house.assert_listed(video, codec).await;
    }
    for worker in workers {
        worker.stop().await;
    }
}

//! Views: every process counts them, they are written to the store, and enough of them give a video its codecs.

use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::storm::clock::FastClock;
use super::support::{Cluster, Fault, House, Script, house_at};
use pipeline::{CodecState, Config, Pipeline, Viewer};
use plan::{LazyCodec, VideoId};
use store::metadata::{State, VideoRow};

/// Limit of a wait: longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(60);

fn viewer(last: u8) -> Viewer {
    Viewer {
        network: Some(IpAddr::from([192, 0, 2, last]).into()),
        ..Viewer::default()
    }
}

fn has_nothing_left(row: &VideoRow) -> bool {
    row.state == State::Ready && row.whole_plan == row.current_plan
}

/// Opens a cluster that makes HEVC of videos with four views.
fn after_four(folder: &Path, script: &Arc<Script>) -> Cluster {
    Cluster::open_with(folder, script, |config: &mut Config| {
        config.lazy_codecs = vec![LazyCodec::Hevc];
        config.lazy_after_views = 4;
    })
}

impl House {
    async fn hevc(&self, video: VideoId) -> CodecState {
        let states = self
            .pipeline
            .videos()
            .codecs(&self.row(video).await)
            .await
            .unwrap();
        let [
            (LazyCodec::Hevc, hevc),
            (LazyCodec::Av1, CodecState::Absent),
        ] = states[..]
        else {
            panic!("{states:?}");
        };
        hevc
    }
}

/// Opens an origin that counts views of these viewers, two media requests each.
fn origin(cluster: &Cluster, video: VideoId, viewers: &[u8]) -> Pipeline {
    let origin = cluster.origin();
    for &last in viewers.iter().chain(viewers) {
        origin.playback().record_view(video, &viewer(last));
    }
    origin
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn views_at_several_origins_earn_a_codec_once() {
    let folder = tempfile::tempdir().unwrap();
    let cluster = after_four(folder.path(), &Script::of(40));
    let worker = cluster.worker();
    let house = &cluster.house;
    let (video, other) = (house.upload().await, house.upload().await);
    house.until(other, has_nothing_left).await;
    let ready = house.until(video, has_nothing_left).await;
    origin(&cluster, video, &[1, 2]).stop().await;
    origin(&cluster, other, &[1, 2, 3]).stop().await;
    assert_eq!(house.pipeline.videos().views(video).await.unwrap(), 2);
    assert_eq!(house.hevc(video).await, CodecState::Absent);
    let (one, another) = (
        origin(&cluster, video, &[3, 4]),
        origin(&cluster, video, &[5]),
    );
    tokio::join!(one.stop(), another.stop());
    house.until(video, has_nothing_left).await;
    assert_eq!(house.hevc(video).await, CodecState::Listed);
    let row = house.row(video).await;
    assert_eq!(row.plans.len(), ready.plans.len() + 1);
    origin(&cluster, video, &[6, 7, 8]).stop().await;
    assert_eq!(house.pipeline.videos().views(video).await.unwrap(), 8);
    assert_eq!(house.row(video).await.epoch, row.epoch);
    assert_eq!(house.pipeline.videos().views(other).await.unwrap(), 3);
    assert_eq!(house.hevc(other).await, CodecState::Absent);
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_codec_that_failed_is_not_tried_again_by_more_views() {
    let folder = tempfile::tempdir().unwrap();
    let script = Script::of(20);
    let cluster = after_four(folder.path(), &script);
    let worker = cluster.worker();
    let house = &cluster.house;
    let video = house.upload().await;
    house.until(video, has_nothing_left).await;
    script.picture_fault(2, Fault::Fails, 1000);
    script.fillers_fail(true);
    origin(&cluster, video, &[1, 2, 3, 4]).stop().await;
    house.until(video, has_nothing_left).await;
    assert_eq!(house.hevc(video).await, CodecState::Failed);
    let epoch = house.row(video).await.epoch;
    origin(&cluster, video, &[5, 6, 7, 8]).stop().await;
    let row = house.row(video).await;
    assert_eq!((row.epoch, has_nothing_left(&row)), (epoch, true));
    worker.stop().await;
}

#[tokio::test]
async fn views_are_written_down_within_a_minute_and_go_with_their_video() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Arc::new(FastClock::new(600));
    let house = house_at(folder.path(), &Script::of(10), clock, |_| {}).await;
    let video = house.upload().await;
    house.until_over(video).await;
    let until = async |count| {
        let written = async {
            while house.pipeline.videos().views(video).await.unwrap() != count {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let written = tokio::time::timeout(PATIENCE, written).await;
        written.expect("the views are written");
    };
    house.pipeline.playback().record_view(video, &viewer(1));
    until(1).await;
    house.pipeline.playback().record_view(video, &viewer(2));
    until(2).await;
    house.pipeline.videos().delete(video).await.unwrap();
    until(0).await;
    house.pipeline.stop().await;
}

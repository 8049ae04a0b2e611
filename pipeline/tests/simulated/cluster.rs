//! Origins and workers at the same stores, with fake engines that follow a script.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::support::{Cluster, Fault, House, Script, assert_made};
use futures::future::join_all;
use pipeline::{DemandError, Pipeline, Viewer};
use plan::{Plan, RenditionId, SegmentKey, VideoId};
use store::metadata::State;

/// Limit of a wait: longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(60);

/// Asserts that every segment of the plan is stored and has the right bytes.
async fn assert_whole(house: &House, video: VideoId) {
    let row = house.row(video).await;
    assert_eq!((row.state, &row.error), (State::Ready, &None));
    let plan = house
        .pipeline
        .videos()
        .plan_of(&row)
        .await
        .unwrap()
        .unwrap();
    let stored = house.segments(video).await;
    for rendition in plan.media_ids() {
        for segment in 0..plan.segments() {
            let bytes = &stored[&(rendition, segment)];
            assert_made(bytes, rendition, segment);
        }
    }
}

fn key(video: VideoId, rendition: RenditionId, index: u32) -> SegmentKey {
    SegmentKey {
        video,
        rendition,
        index,
    }
}

async fn stop(pipelines: impl IntoIterator<Item = Pipeline>) {
    join_all(pipelines.into_iter().map(|p| async move { p.stop().await })).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_an_origin_takes_in_workers_make() {
    let folder = tempfile::tempdir().unwrap();
    let cluster = Cluster::open(folder.path(), &Script::of(300));
    let workers = [cluster.worker(), cluster.worker(), cluster.worker()];
    let house = &cluster.house;
    let videos = [house.upload().await, house.upload().await];
    for video in videos {
        house.until_over(video).await;
        assert_whole(house, video).await;
    }
    // Segments that two workers began at the same time are made twice; hardly any others are.
    let (_, plan) = house.until_playable(videos[0]).await;
    let made: u32 = cluster.script.made().values().sum();
    let needed = 2 * total(&plan);
    assert!(made as usize <= needed + needed / 20, "{made} of {needed}");
    stop(workers).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn viewers_of_a_cold_segment_at_two_origins_cause_one_encode() {
    let folder = tempfile::tempdir().unwrap();
    let cluster = Cluster::open(folder.path(), &Script::of(400));
    let workers = [cluster.worker(), cluster.worker()];
    let house = &cluster.house;
    let other = cluster.origin();
    let video = house.upload().await;
    let (_, plan) = house.until_playable(video).await;
    let id = plan.video[0].id;
    // A worker has a warm session for the video, and has announced it.
    let first = house
        .pipeline
        .playback()
        .segment(key(video, id, 90), Viewer::default());
    first.await.unwrap();
    cluster.script.gate(Some(95));
    let asks = (0..100).map(|n| {
        let pipeline = if n % 2 == 0 { &house.pipeline } else { &other };
        async move {
            let asked = pipeline
                .playback()
                .segment(key(video, id, 100), Viewer::default());
            asked.await.unwrap().bytes
        }
    });
    let (bodies, ()) = tokio::join!(join_all(asks), async { cluster.script.gate(None) });
    for body in bodies {
        assert_made(&body, id, 100);
    }
    house.until_over(video).await;
    assert_whole(house, video).await;
    assert_eq!(cluster.script.made()[&(id, 100)], 1);
    stop(workers).await;
    other.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn where_no_worker_is_a_viewer_learns_it_at_once_and_the_next_one_makes_all() {
    let folder = tempfile::tempdir().unwrap();
    let cluster = Cluster::open(folder.path(), &Script::of(60));
    let house = &cluster.house;
    let worker = cluster.worker();
    let video = house.upload().await;
    let (_, plan) = house.until_playable(video).await;
    worker.stop().await;
    let left = plan.segments() - 1;
    let began = Instant::now();
    let refused = house
        .pipeline
        .playback()
        .segment(key(video, plan.video[0].id, left), Viewer::default())
        .await;
    assert!(matches!(refused, Err(DemandError::NotReady)), "{refused:?}");
    assert!(began.elapsed() < Duration::from_secs(4));
    let waiting = house.upload().await;
    let worker = cluster.worker();
    for video in [video, waiting] {
        house.until_over(video).await;
        assert_whole(house, video).await;
    }
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_a_worker_leaves_behind_others_make() {
    let folder = tempfile::tempdir().unwrap();
    let cluster = Cluster::open(folder.path(), &Script::of(400));
    cluster.script.gate(Some(30));
    let mut workers = vec![cluster.worker(), cluster.worker()];
    let house = &cluster.house;
    let video = house.upload().await;
    house.until_playable(video).await;
    // Both workers are making segments of the video.
    cluster.script.until_waiting(2).await;
    workers.pop().unwrap().stop().await;
    workers.push(cluster.worker());
    cluster.script.gate(None);
    house.until_over(video).await;
    assert_whole(house, video).await;
    stop(workers).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_worker_that_drains_finishes_what_is_in_hand_and_takes_nothing_more() {
    let folder = tempfile::tempdir().unwrap();
    let cluster = Cluster::open(folder.path(), &Script::of(400));
    cluster.script.gate(Some(30));
    let worker = cluster.worker();
    let house = &cluster.house;
    let video = house.upload().await;
    let (_, plan) = house.until_playable(video).await;
    cluster.script.until_waiting(1).await;
    let draining = {
        let worker = worker.clone();
        tokio::spawn(async move { worker.drain(Duration::from_secs(60)).await })
    };
    house.until_workers(|worker| worker.drains).await;
    cluster.script.gate(None);
    draining.await.unwrap();
    let made: Vec<u32> = house
        .segments(video)
        .await
        .into_keys()
        .map(|(_, index)| index)
        .collect();
    assert!(made.contains(&30), "{made:?}");
    let last = made.iter().max().copied().unwrap();
    assert!(
        last + 1 < plan.segments() - 8,
        "it went on to {last} of {}",
        plan.segments()
    );
    worker.stop().await;
    let next = cluster.worker();
    house.until_over(video).await;
    assert_whole(house, video).await;
    next.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn faults_are_counted_by_all_workers_together() {
    let folder = tempfile::tempdir().unwrap();
    let script = Script::of(60);
    script.picture_fault(5, Fault::Fails, u32::MAX);
    script.poster_fails();
    let cluster = Cluster::open(folder.path(), &script);
    let workers = [cluster.worker(), cluster.worker()];
    let house = &cluster.house;
    let video = house.upload().await;
    let row = house.until_over(video).await;
    assert_eq!((row.state, &row.error), (State::Ready, &None));
    assert!(row.notes.iter().any(|w| w.message.contains("poster")));
    let (_, plan) = house.until_playable(video).await;
    let fillers = house.stores.metadata.tries().fillers(&video).await.unwrap();
    let expected: BTreeSet<_> = plan.pictures().map(|v| (v.id, 5)).collect();
    assert_eq!(fillers, expected);
    stop(workers).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_follows_is_made_ahead_of_an_origins_viewer() {
    let folder = tempfile::tempdir().unwrap();
    let cluster = Cluster::open(folder.path(), &Script::of(400));
    let workers = [cluster.worker(), cluster.worker()];
    let house = &cluster.house;
    let video = house.upload().await;
    let (_, plan) = house.until_playable(video).await;
    let id = plan.video[0].id;
    let at = plan.segments() - 10;
    let mut events = house.stores.events.subscribe().await.unwrap();
    let asked = house
        .pipeline
        .playback()
        .segment(key(video, id, at), Viewer::default());
    asked.await.unwrap();
    let ahead = async {
        loop {
            if let store::Received::Event(store::Event::SegmentStored { key, .. }) =
                events.next().await
                && (key.rendition, key.index) == (id, at + 2)
            {
                return;
            }
        }
    };
    tokio::time::timeout(PATIENCE, ahead).await.unwrap();
    assert!(cluster.script.order().len() < total(&plan));
    stop(workers).await;
}

fn total(plan: &Arc<Plan>) -> usize {
    plan.media_ids().count() * plan.segments() as usize
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn stills_are_made_by_workers_too() {
    let folder = tempfile::tempdir().unwrap();
    let cluster = Cluster::open(folder.path(), &Script::of(60));
    cluster.script.gate(Some(2));
    let worker = cluster.worker();
    let house = &cluster.house;
    let video = house.upload().await;
    let (_, plan) = house.until_playable(video).await;
    house
        .pipeline
        .playback()
        .thumbnail(video, 320, 7, &Viewer::default())
        .await
        .unwrap();
    let board = plan.storyboard.as_ref().unwrap().id;
    house
        .pipeline
        .playback()
        .sheet(key(video, board, 0), &Viewer::default())
        .await
        .unwrap();
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn who_has_little_to_do_is_not_kept_waiting_by_who_has_much() {
    let folder = tempfile::tempdir().unwrap();
    let cluster = Cluster::open(folder.path(), &Script::of(300));
    let house = &cluster.house;
    cluster.script.gate(Some(3));
    let worker = cluster.worker();
    let owner = house.stores.ids.owner();
    let mut much = Vec::new();
    for _ in 0..8 {
        much.push(house.upload_of(owner).await);
    }
    // The first video of the large owner is being made.
    cluster.script.until_waiting(1).await;
    let little = house.upload().await;
    house.until_playable(little).await;
    cluster.script.gate(None);
    house.until_over(little).await;
    let mut ready = 0;
    for &video in &much {
        ready += usize::from(house.row(video).await.state == State::Ready);
    }
    // If the owners did not take turns, a second video of the large owner would be ready by now.
    assert!(ready <= 1, "{ready}");
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn work_that_is_wiped_with_much_left_is_offered_anew() {
    // `make soak` sets this to a thousand.
    let wanted = std::env::var("CHUNKS").map_or(160, |chunks| chunks.parse().unwrap());
    let seconds = 8 * 4 * i64::from(wanted) / 8;
    let folder = tempfile::tempdir().unwrap();
    let cluster = Cluster::open(folder.path(), &Script::of(seconds));
    let house = &cluster.house;
    cluster.script.gate(Some(20));
    let workers: Vec<_> = (0..4).map(|_| cluster.worker()).collect();
    let owner = house.stores.ids.owner();
    let mut videos = Vec::new();
    for _ in 0..8 {
        videos.push(house.upload_of(owner).await);
    }
    let mut chunks = 0;
    for &video in &videos {
        chunks += house.until_playable(video).await.1.chunks();
    }
    assert!(chunks >= wanted, "{chunks}");
    cluster.script.until_waiting(4).await;
    cluster.work.wipe();
    cluster.script.gate(None);
    for (n, &video) in videos.iter().enumerate() {
        house.until_over(video).await;
        assert_whole(house, video).await;
        // The work is wiped again while the chunks that were offered anew are on their way.
        if n % 2 == 0 {
            cluster.work.wipe();
        }
    }
    stop(workers).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn workers_that_hear_of_nothing_do_not_wait_for_what_is_made() {
    let folder = tempfile::tempdir().unwrap();
    let cluster = Cluster::open(folder.path(), &Script::of(200));
    let house = &cluster.house;
    cluster.script.gate(Some(20));
    let workers: Vec<_> = (0..4).map(|_| cluster.deaf_worker()).collect();
    let owner = house.stores.ids.owner();
    // These are more videos than are offered at once, each with a poster that most workers do not learn of.
    for _ in 0..12 {
        house.upload_of(owner).await;
    }
    cluster.script.until_waiting(4).await;
    cluster.script.gate(None);
    stop(workers).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn short_videos_of_an_owner_come_before_the_rest_of_a_long_one() {
    let folder = tempfile::tempdir().unwrap();
    let script = Script::of(1200);
    let cluster = Cluster::open(folder.path(), &script);
    let house = &cluster.house;
    let worker = cluster.worker();
    house.short_come_before_long(&script).await;
    worker.stop().await;
}

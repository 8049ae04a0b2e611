//! Lies of clients: they cost no other client anything.

use std::net::IpAddr;
use std::time::Duration;

use pipeline::{DemandError, Viewer};
use plan::{RenditionId, RenditionKey, RenditionName, SegmentKey, VideoId};
use store::{Event, Received};
use tokio::time::timeout;

use super::support::{Cluster, House, Script, assert_made, house};

/// Limit of a wait: longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(60);

fn key(video: VideoId, rendition: RenditionId, index: u32) -> SegmentKey {
    SegmentKey {
        video,
        rendition,
        index,
    }
}

fn viewer(address: u8) -> Viewer {
    Viewer {
        network: Some(IpAddr::from([192, 0, 2, address]).into()),
        ..Viewer::default()
    }
}

fn made_up(n: u8) -> RenditionId {
    RenditionId::new(RenditionName::Video(720), &[n; 32])
}

impl House {
    /// Requests a segment that does not exist, and claims in every possible way to be near it.
    async fn lie(&self, key: SegmentKey, liar: &Viewer) {
        let SegmentKey {
            video, rendition, ..
        } = key;
        let found = self.pipeline.playback().segment(key, liar.clone()).await;
        assert!(matches!(found, Err(DemandError::NotFound)), "{found:?}");
        self.pipeline.playback().note_served(key, liar);
        self.pipeline.playback().note_next(key, liar);
        self.pipeline
            .playback()
            .note_chosen(RenditionKey { video, rendition }, liar);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_never_was_starts_no_engine_ends_none_and_drives_nobody_out_of_a_window() {
    let folder = tempfile::tempdir().unwrap();
    let script = Script::of(400);
    // The background gets stuck before the viewer's place, and the window is held there for now.
    script.bog(60);
    script.gate(Some(81));
    let house = house(folder.path(), &script).await;
    let video = house.upload().await;
    let (_, plan) = house.until_playable(video).await;
    let rung = plan.video[0].id;
    let mut events = house.stores.events.subscribe().await.unwrap();
    let first = house
        .pipeline
        .playback()
        .segment(key(video, rung, 80), viewer(1));
    assert_made(&first.await.unwrap().bytes, rung, 80);
    script.until_waiting(1).await;
    let engines = script.engines();
    for n in 0..200 {
        let rendition = made_up(n as u8);
        house.lie(key(video, rendition, 3 * n), &viewer(2)).await;
        let beyond = plan.segments() + 3 * n;
        house.lie(key(video, rung, beyond), &viewer(2)).await;
    }
    script.gate(None);
    let ahead = async {
        loop {
            if let Received::Event(Event::SegmentStored { key, .. }) = events.next().await
                && (key.rendition, key.index) == (rung, 83)
            {
                return;
            }
        }
    };
    timeout(PATIENCE, ahead)
        .await
        .expect("segments are made ahead for the viewer");
    // The background may have started one engine anew; nothing else may have.
    assert!(script.engines() <= engines + 1);
    let row = house.row(video).await;
    assert_eq!((row.error, row.notes), (None, Vec::new()));
    house.pipeline.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn who_has_no_time_left_takes_none_from_who_waits_for_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let script = Script::of(400);
    let cluster = Cluster::open(folder.path(), &script);
    script.gate(Some(60));
    let worker = cluster.worker();
    let house = &cluster.house;
    let video = house.upload().await;
    let (_, plan) = house.until_playable(video).await;
    let at = |index| key(video, plan.video[0].id, index);
    let hurried = Viewer {
        deadline: Some(Duration::ZERO),
        ..viewer(2)
    };
    let ask = |index, viewer| {
        let (pipeline, key) = (house.pipeline.clone(), at(index));
        tokio::spawn(async move { pipeline.playback().segment(key, viewer).await })
    };
    let (first, other) = (ask(90, hurried), ask(90, viewer(1)));
    cluster.work.until_accepted(&at(90)).await;
    // Another viewer is at another place of the video.
    let elsewhere = ask(100, viewer(3));
    cluster.work.until_accepted(&at(100)).await;
    script.gate(Some(91));
    for asked in [first, other] {
        let got = asked.await.unwrap().unwrap();
        assert_made(&got.bytes, at(90).rendition, 90);
    }
    script.gate(None);
    let got = elsewhere.await.unwrap().unwrap();
    assert_made(&got.bytes, at(100).rendition, 100);
    worker.stop().await;
}

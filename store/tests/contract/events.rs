//! The contract of `Events`.

use std::time::Duration;

use plan::VideoId;
use store::{Event, Events, Received};
use tokio::time::timeout;

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(20);

fn progress(video: VideoId, received_bytes: u64) -> Event {
    Event::UploadProgress {
        video,
        received_bytes,
    }
}

pub async fn every_subscriber_hears_everything_in_order(events: &dyn Events) {
    let video = VideoId::new();
    events.publish(progress(video, 0)).await.unwrap();
    let mut listeners = [
        events.subscribe().await.unwrap(),
        events.subscribe().await.unwrap(),
    ];
    for at in 1..=100 {
        events.publish(progress(video, at)).await.unwrap();
    }
    for listener in &mut listeners {
        for at in 1..=100 {
            assert_eq!(listener.next().await, Received::Event(progress(video, at)));
        }
    }
}

/// `backlog` is how many events the implementation keeps for a slow listener.
pub async fn who_falls_behind_is_told_so(events: &dyn Events, backlog: u64) {
    let video = VideoId::new();
    let mut slow = events.subscribe().await.unwrap();
    let mut quick = events.subscribe().await.unwrap();
    let told = async {
        // One is heard for every backlog that comes, as soon as it has come to anybody.
        loop {
            for at in 1..=backlog {
                events.publish(progress(video, at)).await.unwrap();
            }
            while quick.next().await != Received::Event(progress(video, backlog)) {}
            if slow.next().await == Received::Lagged {
                return;
            }
        }
    };
    timeout(PATIENCE, told).await.expect("it is told");
    // It may be told twice, while the rest comes; then it goes on.
    let mut next = Received::Lagged;
    while next == Received::Lagged {
        next = slow.next().await;
    }
    assert!(matches!(next, Received::Event(_)));
}

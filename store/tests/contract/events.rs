//! Contract of `Events`, as tests.

use std::time::Duration;

use plan::VideoId;
use store::{Event, Events, Received};
use tokio::time::timeout;

/// Time limit for everything in these tests, longer than any step takes.
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

/// A listener that falls behind is told so. `backlog` is the number of events that the implementation keeps for a
/// slow listener.
pub async fn who_falls_behind_is_told_so(events: &dyn Events, backlog: u64) {
    let video = VideoId::new();
    let mut slow = events.subscribe().await.unwrap();
    let mut quick = events.subscribe().await.unwrap();
    let told = async {
        // The slow listener receives one event each time that the quick one has received a whole backlog.
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
    timeout(PATIENCE, told)
        .await
        .expect("the listener was not told of the loss");
    // The loss may be reported twice while events still arrive. Then new events arrive again.
    let mut next = Received::Lagged;
    while next == Received::Lagged {
        next = slow.next().await;
    }
    assert!(matches!(next, Received::Event(_)));
}

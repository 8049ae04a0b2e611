//! The contract of `Events`.

use plan::VideoId;
use store::{Event, Events, Received};

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
    for at in 0..3 * backlog {
        events.publish(progress(video, at)).await.unwrap();
    }
    assert_eq!(slow.next().await, Received::Lagged);
    assert!(matches!(slow.next().await, Received::Event(_)));
}

//! Contract of `EventLog`, as tests.

use plan::VideoId;
use store::Event;
use store::metadata::{EventLog, State};

use super::sample::segment;

pub async fn the_log_is_read_on_from_any_place(log: &dyn EventLog) {
    let video = VideoId::new();
    let events = [
        Event::VideoChanged {
            video,
            state: State::Playable,
            epoch: 3,
        },
        Event::SegmentStored {
            key: segment(video, 1),
            size: 77,
        },
        Event::UploadProgress {
            video,
            received_bytes: 1 << 40,
        },
        Event::Deleted { video },
    ];
    let mut places = Vec::new();
    for (at, event) in (0..).zip(&events) {
        places.push(log.append(event, at).await.unwrap());
    }
    assert!(places.is_sorted_by(|a, b| a < b) && places[0] > 0);
    let all = log.read_after(0, 100).await.unwrap();
    assert!(all.iter().map(|logged| &logged.event).eq(&events));
    assert!(
        all.iter()
            .map(|logged| logged.seq)
            .eq(places.iter().copied())
    );
    let some = log.read_after(places[0], 2).await.unwrap();
    assert_eq!(some, all[1..3]);
    assert_eq!(log.read_after(places[3], 100).await.unwrap(), []);
    assert_eq!(log.read_after(u64::MAX, 100).await.unwrap(), []);
}

pub async fn a_pruned_place_is_never_used_again(log: &dyn EventLog) {
    let event = Event::Deleted {
        video: VideoId::new(),
    };
    let first = log.append(&event, 10).await.unwrap();
    let second = log.append(&event, 20).await.unwrap();
    assert_eq!(log.prune(20).await.unwrap(), 1);
    assert_eq!(log.read_after(first, 10).await.unwrap().len(), 1);
    assert_eq!(log.prune(21).await.unwrap(), 1);
    assert!(log.append(&event, 30).await.unwrap() > second);
}

//! Events of other processes: what they have stored and changed.

use std::sync::Arc;
use std::time::Duration;

use store::{Event, Received};

use crate::encoding::sessions::Sessions;

/// Pause after a failed subscription to events.
const PAUSE: Duration = Duration::from_secs(1);

/// Follows the events of other processes, for ever.
pub(crate) async fn run(sessions: Arc<Sessions>) {
    loop {
        let mut events = match sessions.records.stores.events.subscribe().await {
            Ok(events) => events,
            Err(error) => {
                tracing::warn!(%error, "events of other processes cannot be subscribed to; it is tried again");
                sessions.records.stores.clock.sleep(PAUSE).await;
                continue;
            }
        };
        // Events before the subscription were missed.
        look_again(&sessions);
        loop {
            match events.next().await {
                Received::Event(event) => apply(&sessions, &event),
                Received::Lagged => look_again(&sessions),
                Received::Closed => break,
            }
        }
    }
}

/// Applies one event to what this process knows.
fn apply(sessions: &Sessions, event: &Event) {
    match event {
        Event::SegmentStored { key, size } => {
            sessions.inventory.record_segment(*key, *size);
            sessions.waiting.notify_stored(key);
            sessions.records.backlog_changed.notify_one();
        }
        Event::PosterStored { video, format } => {
            sessions.inventory.record_poster(*video, *format);
            sessions.records.backlog_changed.notify_one();
        }
        Event::VideoChanged { .. } => sessions.records.backlog_changed.notify_one(),
        Event::Deleted { video } => sessions.inventory.forget(*video),
        Event::UploadProgress { .. } | Event::SourceScanned { .. } => {}
    }
}

/// Forgets what is known of the stores, since events were missed.
fn look_again(sessions: &Sessions) {
    sessions.inventory.forget_all();
    sessions.waiting.notify_all_stored();
    sessions.records.backlog_changed.notify_one();
}

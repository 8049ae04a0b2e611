//! What other processes have stored and changed.

use std::sync::Arc;
use std::time::Duration;

use store::{Event, Received};

use crate::encoding::sessions::Sessions;

/// A pause after events could not be subscribed to.
const PAUSE: Duration = Duration::from_secs(1);

/// Hears for ever.
pub(crate) async fn run(sessions: Arc<Sessions>) {
    loop {
        let mut events = match sessions.records.stores.events.subscribe().await {
            Ok(events) => events,
            Err(error) => {
                tracing::warn!(%error, "events cannot be heard");
                sessions.records.stores.clock.sleep(PAUSE).await;
                continue;
            }
        };
        // What happened before was not heard.
        look_again(&sessions);
        loop {
            match events.next().await {
                Received::Event(event) => note(&sessions, &event),
                Received::Lagged => look_again(&sessions),
                Received::Closed => break,
            }
        }
    }
}

fn note(sessions: &Sessions, event: &Event) {
    match event {
        Event::SegmentStored { key, size } => {
            sessions.inventory.insert(*key, *size);
            sessions.waiting.heard(key);
            sessions.records.backlog_changed.notify_one();
        }
        Event::PosterStored { video, format } => {
            sessions.inventory.poster(*video, *format);
            sessions.records.backlog_changed.notify_one();
        }
        Event::VideoChanged { .. } => sessions.records.backlog_changed.notify_one(),
        Event::Deleted { video } => sessions.inventory.forget(*video),
        Event::UploadProgress { .. } | Event::SourceScanned { .. } => {}
    }
}

fn look_again(sessions: &Sessions) {
    sessions.inventory.forget_all();
    sessions.waiting.heard_all();
    sessions.records.backlog_changed.notify_one();
}

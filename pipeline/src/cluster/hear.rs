//! What other processes have stored and changed.

use std::sync::Arc;
use std::time::Duration;

use store::{Event, Received};

use crate::inner::Inner;

/// A pause after events could not be subscribed to.
const PAUSE: Duration = Duration::from_secs(1);

/// Hears for ever.
pub(crate) async fn run(inner: Arc<Inner>) {
    loop {
        let mut events = match inner.stores.events.subscribe().await {
            Ok(events) => events,
            Err(error) => {
                tracing::warn!(%error, "events cannot be heard");
                inner.stores.clock.sleep(PAUSE).await;
                continue;
            }
        };
        // What happened before was not heard.
        look_again(&inner);
        loop {
            match events.next().await {
                Received::Event(event) => note(&inner, &event),
                Received::Lagged => look_again(&inner),
                Received::Closed => break,
            }
        }
    }
}

fn note(inner: &Inner, event: &Event) {
    match event {
        Event::SegmentStored { key, size } => {
            inner.inventory.insert(*key, *size);
            inner.sessions.waiting.heard(key);
            inner.records.backlog_changed.notify_one();
        }
        Event::PosterStored { video, format } => {
            inner.inventory.poster(*video, *format);
            inner.records.backlog_changed.notify_one();
        }
        Event::VideoChanged { .. } => inner.records.backlog_changed.notify_one(),
        Event::Deleted { video } => inner.inventory.forget(*video),
        Event::UploadProgress { .. } | Event::SourceScanned { .. } => {}
    }
}

fn look_again(inner: &Inner) {
    inner.inventory.forget_all();
    inner.sessions.waiting.heard_all();
    inner.records.backlog_changed.notify_one();
}

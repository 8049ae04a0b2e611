//! Rows of videos and stored objects, as the rest of the pipeline reads and changes them.
//!
//! A row is changed by compare-and-set, and all processes are told of the change. Events are hints: a process that
//! misses one finds out by reading the stores.

use std::time::Duration;

use bytes::Bytes;
use plan::VideoId;
use store::metadata::{State, VideoRow, videos};
use store::{Event, ObjectKey, Stores, objects};
use tokio::sync::Notify;

use crate::answers::DemandError;

/// Free bytes of the object store at which work goes on that had stopped for lack of space: several segments of each
/// rung.
const ENOUGH_SPACE: u64 = 32 << 20;

/// The stores of a process, and the wake-up call for its background work.
pub(crate) struct Records {
    pub(crate) stores: Stores,
    /// Notified when a row has changed, or when something was stored or given back: there may be new work.
    pub(crate) backlog_changed: Notify,
}

impl Records {
    pub(crate) fn new(stores: Stores) -> Self {
        Self {
            stores,
            backlog_changed: Notify::new(),
        }
    }

    /// The row of a video, unless it is a tombstone.
    pub(crate) async fn living(&self, id: VideoId) -> Result<Option<VideoRow>, store::Error> {
        let row = self.stores.metadata.videos().get(&id).await?;
        Ok(row.filter(|row| row.state != State::Deleted))
    }

    /// Reads a stored object; nothing is made where there is none.
    pub(crate) async fn stored(&self, key: &ObjectKey) -> Result<Bytes, DemandError> {
        match objects::get(&*self.stores.objects, key).await {
            Err(store::Error::NotFound) => Err(DemandError::NotFound),
            other => Ok(other?),
        }
    }

    /// Whether the object store has space for more than the next few segments. A store that does not say how much is
    /// free counts as having space; a refused write is the only sign of a lack then.
    pub(crate) async fn has_space(&self) -> bool {
        match self.stores.objects.free_bytes().await {
            Ok(free) => free.is_none_or(|free| free >= ENOUGH_SPACE),
            Err(_) => false,
        }
    }

    /// Changes a video's row by compare-and-set and tells all processes. `edit` returns whether it changed anything.
    pub(crate) async fn change(
        &self,
        id: VideoId,
        mut edit: impl FnMut(&mut VideoRow) -> bool + Send,
    ) -> Result<VideoRow, store::Error> {
        let mut changed = false;
        let edit_and_note = |row: &mut VideoRow| {
            changed = edit(row);
            changed
        };
        let row = videos::change(self.stores.metadata.videos(), &id, edit_and_note).await?;
        if !changed {
            return Ok(row);
        }
        let event = Event::VideoChanged {
            video: id,
            state: row.state,
            epoch: row.epoch,
        };
        // The row has changed already, so an error of the log is not an error of the change.
        let log = self.stores.metadata.event_log();
        if let Err(error) = log.append(&event, self.stores.clock.now_us()).await {
            tracing::warn!(%error, video = %id, "a change of a video is missing from the event log");
        }
        self.tell(event).await;
        self.backlog_changed.notify_one();
        Ok(row)
    }

    /// Tells all processes what has happened. A failure is only logged, since an event is a hint.
    pub(crate) async fn tell(&self, event: Event) {
        let video = event.video();
        if let Err(error) = self.stores.events.publish(event).await {
            tracing::debug!(%error, %video, "other processes could not be told of an event");
        }
    }

    /// Waits for a future, at most this long on the process's clock; `None` if the time ran out.
    pub(crate) async fn within<T>(
        &self,
        patience: Duration,
        what: impl Future<Output = T>,
    ) -> Option<T> {
        tokio::select! {
            biased;
            done = what => Some(done),
            () = self.stores.clock.sleep(patience) => None,
        }
    }
}

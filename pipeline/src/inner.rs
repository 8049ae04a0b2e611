//! What the parts of the pipeline share.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;
use plan::{SegmentKey, VideoId};
use store::metadata::{State, VideoRow, videos};
use store::{Created, Event, ObjectKey, Stores, objects};
use tokio::sync::{Notify, Semaphore, watch};
use transcoder::Engine;

use crate::demand::Demands;
use crate::made::MadeSet;
use crate::plans::PlanCache;
use crate::{Config, DemandError};

/// Probes at once: each reads an index and starts a video; two keep two cores busy.
const STARTS: usize = 2;

pub(crate) struct Inner {
    pub(crate) stores: Stores,
    pub(crate) engine: Engine,
    pub(crate) config: Config,
    pub(crate) plans: PlanCache,
    pub(crate) demands: Demands,
    /// What is stored of videos that are being worked at.
    pub(crate) made: Mutex<HashMap<VideoId, MadeSet>>,
    /// Requests that wait for a segment; the background holds while there are any.
    pub(crate) waiting: watch::Sender<usize>,
    /// Something may be left to do.
    pub(crate) work: Notify,
    pub(crate) starts: Semaphore,
    /// One stills session at a time.
    pub(crate) stills: Semaphore,
}

impl Inner {
    pub(crate) fn new(stores: Stores, engine: Engine, config: Config) -> Arc<Self> {
        Arc::new(Self {
            stores,
            engine,
            config,
            plans: PlanCache::default(),
            demands: Demands::default(),
            made: Mutex::default(),
            waiting: watch::Sender::new(0),
            work: Notify::new(),
            starts: Semaphore::new(STARTS),
            stills: Semaphore::new(1),
        })
    }

    /// A video's row, unless it is a tombstone.
    pub(crate) async fn living(&self, id: VideoId) -> Result<Option<VideoRow>, store::Error> {
        let row = self.stores.metadata.videos().get(&id).await?;
        Ok(row.filter(|row| row.state != State::Deleted))
    }

    /// A stored object; nothing else is tried.
    pub(crate) async fn stored(&self, key: &ObjectKey) -> Result<Bytes, DemandError> {
        match objects::get(&*self.stores.objects, key).await {
            Err(store::Error::NotFound) => Err(DemandError::NotFound),
            other => Ok(other?),
        }
    }

    /// Changes a row by compare-and-set, then says so.
    pub(crate) async fn change(
        &self,
        id: VideoId,
        edit: impl FnMut(&mut VideoRow) -> bool + Send,
    ) -> Result<VideoRow, store::Error> {
        let row = videos::change(self.stores.metadata.videos(), &id, edit).await?;
        let event = Event::VideoChanged {
            video: id,
            state: row.state,
            epoch: row.epoch,
        };
        self.stores
            .metadata
            .event_log()
            .append(&event, self.stores.clock.now_us())
            .await?;
        self.stores.events.publish(event).await?;
        self.work.notify_one();
        Ok(row)
    }

    /// Stores a segment unless there is one, tells who waits, and everybody else.
    pub(crate) async fn publish(&self, key: SegmentKey, bytes: Bytes) -> Result<(), store::Error> {
        let object = ObjectKey::Segment(key);
        let size = bytes.len() as u64;
        let created = self
            .stores
            .objects
            .put_if_absent(&object, bytes.clone())
            .await?;
        // Only what is stored is served: the bytes of the put that won.
        let served = match created {
            Created::Yes => bytes,
            Created::No => objects::get(&*self.stores.objects, &object).await?,
        };
        if let Some(made) = self.made.lock().get_mut(&key.video) {
            made.insert(key.rendition, key.index);
        }
        self.demands.made(&key, &served);
        self.stores
            .events
            .publish(Event::SegmentStored { key, size })
            .await
    }
}

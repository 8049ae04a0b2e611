//! Rows in a storm: they are slow, and fail before or after the request is done.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use async_trait::async_trait;
use plan::{OwnerId, RenditionId, SegmentKey, UploadId, VideoId};
use store::metadata::{
    EventLog, LoggedEvent, Metadata, Owners, Page, PageRequest, SignIns, Tokens, Tries, TryRow,
    UploadRow, Uploads, VideoRow, Videos, Views,
};
use store::{Error, Event, Stores};

use super::line::Line;
use super::weather::Fate;

/// Rows as one process sees them in a storm. Owners and tokens are not part of a storm.
pub struct StormyMetadata {
    rows: Arc<dyn Metadata>,
    line: Arc<Line>,
}

impl StormyMetadata {
    pub fn new(calm: &Stores, line: &Arc<Line>) -> Self {
        Self {
            rows: calm.metadata.clone(),
            line: line.clone(),
        }
    }

    /// Passes a request on, or fails before or after it. An answer such as "not there" or "changed meanwhile" may be
    /// lost too.
    async fn ask<T>(&self, asking: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
        let lost = || Error::unavailable("a storm");
        self.line.way().await;
        self.line.reaches_stores()?;
        let fate = self.line.weather.fate();
        if fate == Fate::Lost {
            return Err(lost());
        }
        let answer = asking.await;
        self.line.way().await;
        match fate {
            Fate::Unanswered => Err(lost()),
            Fate::Goes | Fate::Lost => answer,
        }
    }
}

impl Metadata for StormyMetadata {
    fn videos(&self) -> &dyn Videos {
        self
    }

    fn uploads(&self) -> &dyn Uploads {
        self
    }

    fn tries(&self) -> &dyn Tries {
        self
    }

    fn views(&self) -> &dyn Views {
        self
    }

    fn event_log(&self) -> &dyn EventLog {
        self
    }

    fn owners(&self) -> &dyn Owners {
        self.rows.owners()
    }

    fn tokens(&self) -> &dyn Tokens {
        self.rows.tokens()
    }

    fn sign_ins(&self) -> &dyn SignIns {
        self.rows.sign_ins()
    }
}

#[async_trait]
impl Videos for StormyMetadata {
    async fn insert(&self, row: &VideoRow) -> Result<(), Error> {
        self.ask(self.rows.videos().insert(row)).await
    }

    async fn get(&self, id: &VideoId) -> Result<Option<VideoRow>, Error> {
        self.ask(self.rows.videos().get(id)).await
    }

    async fn compare_and_set(&self, row: &VideoRow) -> Result<VideoRow, Error> {
        self.ask(self.rows.videos().compare_and_set(row)).await
    }

    async fn put_if_newer(&self, row: &VideoRow) -> Result<(), Error> {
        self.ask(self.rows.videos().put_if_newer(row)).await
    }

    async fn list(
        &self,
        owner: Option<&OwnerId>,
        page: &PageRequest,
    ) -> Result<Page<VideoRow>, Error> {
        self.ask(self.rows.videos().list(owner, page)).await
    }

    async fn list_unfinished(&self, page: &PageRequest) -> Result<Page<VideoRow>, Error> {
        self.ask(self.rows.videos().list_unfinished(page)).await
    }

    async fn list_tombstones(
        &self,
        deleted_before_us: i64,
        page: &PageRequest,
    ) -> Result<Page<VideoRow>, Error> {
        let listing = self.rows.videos().list_tombstones(deleted_before_us, page);
        self.ask(listing).await
    }

    async fn remove(&self, id: &VideoId) -> Result<(), Error> {
        self.ask(self.rows.videos().remove(id)).await
    }
}

#[async_trait]
impl Uploads for StormyMetadata {
    async fn insert(&self, row: &UploadRow) -> Result<(), Error> {
        self.ask(self.rows.uploads().insert(row)).await
    }

    async fn get(&self, id: &UploadId) -> Result<Option<UploadRow>, Error> {
        self.ask(self.rows.uploads().get(id)).await
    }

    async fn advance(&self, id: &UploadId, offset: u64, at_us: i64) -> Result<UploadRow, Error> {
        self.ask(self.rows.uploads().advance(id, offset, at_us))
            .await
    }

    async fn touch(&self, id: &UploadId, at_us: i64) -> Result<(), Error> {
        self.ask(self.rows.uploads().touch(id, at_us)).await
    }

    async fn give_up(&self, row: &UploadRow) -> Result<bool, Error> {
        self.ask(self.rows.uploads().give_up(row)).await
    }

    async fn complete(&self, id: &UploadId, at_us: i64) -> Result<UploadRow, Error> {
        self.ask(self.rows.uploads().complete(id, at_us)).await
    }

    async fn list_by_video(&self, video: &VideoId) -> Result<Vec<UploadRow>, Error> {
        self.ask(self.rows.uploads().list_by_video(video)).await
    }

    async fn list_stale(&self, before_us: i64, limit: u32) -> Result<Vec<UploadRow>, Error> {
        let stale = self
            .ask(self.rows.uploads().list_stale(before_us, limit))
            .await;
        // Many uploads are given up one after the other, so this one waits for its turn.
        self.line.long_way().await;
        stale
    }

    async fn remove(&self, id: &UploadId) -> Result<(), Error> {
        self.ask(self.rows.uploads().remove(id)).await
    }
}

#[async_trait]
impl Tries for StormyMetadata {
    async fn get(&self, key: &SegmentKey) -> Result<TryRow, Error> {
        self.ask(self.rows.tries().get(key)).await
    }

    async fn record_try(&self, key: &SegmentKey) -> Result<TryRow, Error> {
        self.ask(self.rows.tries().record_try(key)).await
    }

    async fn mark(&self, key: &SegmentKey) -> Result<TryRow, Error> {
        self.ask(self.rows.tries().mark(key)).await
    }

    async fn unmark(&self, key: &SegmentKey) -> Result<(), Error> {
        self.ask(self.rows.tries().unmark(key)).await
    }

    async fn list(&self, video: &VideoId) -> Result<BTreeMap<(RenditionId, u32), TryRow>, Error> {
        self.ask(self.rows.tries().list(video)).await
    }

    async fn put(&self, key: &SegmentKey, row: TryRow) -> Result<(), Error> {
        self.ask(self.rows.tries().put(key, row)).await
    }

    async fn record_filler(&self, key: &SegmentKey) -> Result<(), Error> {
        self.ask(self.rows.tries().record_filler(key)).await
    }

    async fn fillers(&self, video: &VideoId) -> Result<BTreeSet<(RenditionId, u32)>, Error> {
        self.ask(self.rows.tries().fillers(video)).await
    }

    async fn clear(&self, video: &VideoId) -> Result<(), Error> {
        self.ask(self.rows.tries().clear(video)).await
    }

    async fn remove(&self, video: &VideoId) -> Result<(), Error> {
        self.ask(self.rows.tries().remove(video)).await
    }
}

#[async_trait]
impl Views for StormyMetadata {
    async fn add(&self, video: &VideoId, views: u64) -> Result<u64, Error> {
        self.ask(self.rows.views().add(video, views)).await
    }

    async fn get(&self, video: &VideoId) -> Result<u64, Error> {
        self.ask(self.rows.views().get(video)).await
    }

    async fn remove(&self, video: &VideoId) -> Result<(), Error> {
        self.ask(self.rows.views().remove(video)).await
    }
}

#[async_trait]
impl EventLog for StormyMetadata {
    async fn append(&self, event: &Event, at_us: i64) -> Result<u64, Error> {
        self.ask(self.rows.event_log().append(event, at_us)).await
    }

    async fn read_after(&self, seq: u64, limit: u32) -> Result<Vec<LoggedEvent>, Error> {
        self.ask(self.rows.event_log().read_after(seq, limit)).await
    }

    async fn prune(&self, before_us: i64) -> Result<u64, Error> {
        self.ask(self.rows.event_log().prune(before_us)).await
    }
}

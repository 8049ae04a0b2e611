//! Objects in a storm: requests fail before or after they are done, and the writes of a process may stand still.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use parking_lot::Mutex;
use store::objects::{Layer, Listing, SignedPut};
use store::{
    Clock, Created, Error, Moment, ObjectInfo, ObjectKey, ObjectRead, Objects, Prefix, Stores,
};

use super::line::Line;
use super::weather::Fate;

/// Objects as one process sees them in a storm.
pub struct StormyObjects {
    objects: Arc<dyn Objects>,
    line: Arc<Line>,
    clock: Arc<dyn Clock>,
    /// Time until which writes stand still.
    still: Mutex<Moment>,
}

impl StormyObjects {
    pub fn new(calm: &Stores, line: &Arc<Line>) -> Self {
        Self {
            objects: calm.objects.clone(),
            line: line.clone(),
            clock: calm.clock.clone(),
            still: Mutex::default(),
        }
    }

    /// Pauses the process where it is about to write; it goes on later as if nothing had happened.
    pub fn stand_still(&self, span: Duration) {
        *self.still.lock() = self.clock.now() + span;
    }

    async fn write<T>(
        &self,
        key: &ObjectKey,
        writing: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        let until = *self.still.lock();
        self.clock.sleep_until(until).await;
        self.line.reaches_stores()?;
        // A lost source block is an upload that is not accepted, which tests nothing here.
        let fate = match key {
            ObjectKey::SourceBlock { .. } => Fate::Goes,
            _ => self.line.weather.fate(),
        };
        match fate {
            Fate::Goes => writing.await,
            Fate::Lost => Err(Error::unavailable("a storm")),
            Fate::Unanswered => {
                writing.await?;
                Err(Error::unavailable("a storm"))
            }
        }
    }

    fn read_fate(&self) -> Result<(), Error> {
        self.line.reaches_stores()?;
        match self.line.weather.fate() {
            Fate::Goes => Ok(()),
            Fate::Lost | Fate::Unanswered => Err(Error::unavailable("a storm")),
        }
    }
}

#[async_trait]
impl Layer for StormyObjects {
    fn below(&self) -> &dyn Objects {
        &*self.objects
    }

    async fn put(&self, key: &ObjectKey, body: Bytes) -> Result<(), Error> {
        self.write(key, self.objects.put(key, body)).await
    }

    async fn put_if_absent(&self, key: &ObjectKey, body: Bytes) -> Result<Created, Error> {
        self.write(key, self.objects.put_if_absent(key, body)).await
    }

    async fn read(&self, key: &ObjectKey, range: Option<Range<u64>>) -> Result<ObjectRead, Error> {
        self.read_fate()?;
        self.objects.read(key, range).await
    }

    async fn head(&self, key: &ObjectKey) -> Result<Option<ObjectInfo>, Error> {
        self.read_fate()?;
        self.objects.head(key).await
    }

    async fn list(&self, prefix: &Prefix) -> Result<Listing, Error> {
        self.read_fate()?;
        self.objects.list(prefix).await
    }

    async fn delete(&self, keys: &[ObjectKey]) -> Result<(), Error> {
        self.line.reaches_stores()?;
        match self.line.weather.fate() {
            Fate::Goes => self.objects.delete(keys).await,
            Fate::Lost => Err(Error::unavailable("a storm")),
            Fate::Unanswered => {
                self.objects.delete(keys).await?;
                Err(Error::unavailable("a storm"))
            }
        }
    }

    /// Signing needs no request to the store. The holder of a signed request puts the block without any origin.
    async fn sign_put(
        &self,
        key: &ObjectKey,
        _: u64,
        _: Duration,
    ) -> Result<Option<SignedPut>, Error> {
        Ok(Some(SignedPut {
            url: format!("store://objects/{}", String::from(key.clone())),
            headers: Vec::new(),
        }))
    }
}

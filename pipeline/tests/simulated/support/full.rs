//! A disk that a test can declare full.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use store::objects::Layer;
use store::{Created, Error, ObjectKey, Objects};
use tokio::sync::watch;

use super::PATIENCE;

pub struct FullDisk {
    objects: Arc<dyn Objects>,
    full: AtomicBool,
    refused: watch::Sender<u32>,
}

impl FullDisk {
    pub fn new(objects: Arc<dyn Objects>) -> Self {
        Self {
            objects,
            full: AtomicBool::new(false),
            refused: watch::Sender::new(0),
        }
    }

    /// Waits until this many objects were refused for lack of space.
    pub async fn until_refused(&self, objects: u32) {
        let mut refused = self.refused.subscribe();
        let reached = refused.wait_for(|refused| *refused >= objects);
        let reached = tokio::time::timeout(PATIENCE, reached).await;
        reached.expect("something is to be stored").unwrap();
    }

    /// Declares the disk full for everything except sources, which may have been stored before; or has space for
    /// everything again.
    pub fn set_full(&self, full: bool) {
        self.full.store(full, Ordering::SeqCst);
    }

    fn admit(&self, key: &ObjectKey) -> Result<(), Error> {
        let is_source = matches!(key, ObjectKey::SourceBlock { .. });
        let refused = !is_source && self.full.load(Ordering::SeqCst);
        if refused {
            self.refused.send_modify(|refused| *refused += 1);
            return Err(Error::NoSpace);
        }
        Ok(())
    }
}

#[async_trait]
impl Layer for FullDisk {
    fn below(&self) -> &dyn Objects {
        &*self.objects
    }

    async fn put(&self, key: &ObjectKey, body: Bytes) -> Result<(), Error> {
        self.admit(key)?;
        self.objects.put(key, body).await
    }

    async fn put_if_absent(&self, key: &ObjectKey, body: Bytes) -> Result<Created, Error> {
        self.admit(key)?;
        self.objects.put_if_absent(key, body).await
    }

    async fn free_bytes(&self) -> Result<Option<u64>, Error> {
        match self.full.load(Ordering::SeqCst) {
            // A source block of the tests fits into this space.
            true => Ok(Some(1024)),
            false => self.objects.free_bytes().await,
        }
    }
}

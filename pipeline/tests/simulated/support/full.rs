//! A disk that is full when told so.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use store::objects::Layer;
use store::{Created, Error, ObjectKey, Objects};

pub struct FullDisk {
    objects: Arc<dyn Objects>,
    full: AtomicBool,
}

impl FullDisk {
    pub fn new(objects: Arc<dyn Objects>) -> Self {
        let full = AtomicBool::new(false);
        Self { objects, full }
    }

    /// From now on segments find no space, or do again.
    pub fn set_full(&self, full: bool) {
        self.full.store(full, Ordering::SeqCst);
    }

    fn admit(&self, key: &ObjectKey) -> Result<(), Error> {
        let refused = matches!(key, ObjectKey::Segment(_)) && self.full.load(Ordering::SeqCst);
        if refused { Err(Error::NoSpace) } else { Ok(()) }
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
}

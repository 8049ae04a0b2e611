//! Objects to which something happens while they are put.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use store::objects::Layer;
use store::{Created, Error, ObjectKey, Objects};
use tokio::sync::Notify;

/// What happens at a put.
#[derive(PartialEq)]
pub enum Event {
    /// It fails, and so do all after it.
    Failure,
    /// It is waited for in vain.
    Silence,
    /// The bytes are others when they arrive.
    Damage,
}

/// Objects with an event at one put.
pub struct Unsteady {
    objects: Arc<dyn Objects>,
    left: AtomicI64,
    /// How many there were.
    pub puts: AtomicU64,
    event: Event,
    /// Told when it is waited for in vain.
    pub met: Notify,
}

impl Unsteady {
    /// The event is at the put of this number, from 0.
    pub fn new(objects: &Arc<dyn Objects>, number: i64, event: Event) -> Self {
        Self {
            objects: Arc::clone(objects),
            left: AtomicI64::new(number),
            puts: AtomicU64::new(0),
            event,
            met: Notify::new(),
        }
    }

    async fn meet(&self, body: Bytes) -> Result<Bytes, Error> {
        self.puts.fetch_add(1, Ordering::Relaxed);
        let left = self.left.fetch_sub(1, Ordering::Relaxed);
        match self.event {
            Event::Failure if left <= 0 => Err(Error::unavailable("a failure")),
            Event::Silence if left <= 0 => {
                self.met.notify_one();
                std::future::pending().await
            }
            Event::Damage if left == 0 => {
                let mut body = body.to_vec();
                body[0] ^= 1;
                Ok(body.into())
            }
            _ => Ok(body),
        }
    }
}

#[async_trait]
impl Layer for Unsteady {
    fn below(&self) -> &dyn Objects {
        &*self.objects
    }

    async fn put(&self, key: &ObjectKey, body: Bytes) -> Result<(), Error> {
        self.objects.put(key, self.meet(body).await?).await
    }

    async fn put_if_absent(&self, key: &ObjectKey, body: Bytes) -> Result<Created, Error> {
        let body = self.meet(body).await?;
        self.objects.put_if_absent(key, body).await
    }
}

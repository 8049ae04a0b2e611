//! Object store for tests in which an event happens at a put: a failure, a call that never answers, or damage.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use store::objects::Layer;
use store::{Created, Error, ObjectKey, Objects};
use tokio::sync::Notify;

/// Event at a put.
#[derive(PartialEq)]
pub enum Event {
    /// The put fails, and so do all later ones.
    Failure,
    /// The put never answers, and later ones do not either.
    Silence,
    /// The stored bytes differ from those that were sent.
    Damage,
}

/// Object store with an event at one put.
pub struct Unsteady {
    objects: Arc<dyn Objects>,
    left: AtomicI64,
    /// Number of puts so far.
    pub puts: AtomicU64,
    event: Event,
    /// Notified when a put has begun that never answers.
    pub met: Notify,
}

impl Unsteady {
    /// Object store whose event happens at the put of this number, counted from 0.
    pub fn new(objects: &Arc<dyn Objects>, number: i64, event: Event) -> Self {
        Self {
            objects: Arc::clone(objects),
            left: AtomicI64::new(number),
            puts: AtomicU64::new(0),
            event,
            met: Notify::new(),
        }
    }

    /// Counts a put and lets the event happen if it is due; returns the bytes to store.
    async fn count_put(&self, body: Bytes) -> Result<Bytes, Error> {
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
        self.objects.put(key, self.count_put(body).await?).await
    }

    async fn put_if_absent(&self, key: &ObjectKey, body: Bytes) -> Result<Created, Error> {
        let body = self.count_put(body).await?;
        self.objects.put_if_absent(key, body).await
    }
}

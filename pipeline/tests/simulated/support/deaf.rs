//! Events of a process that publishes but does not receive any.

use std::sync::Arc;

use async_trait::async_trait;
use store::{Error, Event, Events, Received, Subscription};

pub struct Deaf(pub Arc<dyn Events>);

#[async_trait]
impl Events for Deaf {
    async fn publish(&self, event: Event) -> Result<(), Error> {
        self.0.publish(event).await
    }

    async fn subscribe(&self) -> Result<Box<dyn Subscription>, Error> {
        Ok(Box::new(Silence))
    }
}

struct Silence;

#[async_trait]
impl Subscription for Silence {
    async fn next(&mut self) -> Received {
        std::future::pending().await
    }
}

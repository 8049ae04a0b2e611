//! Events within one process.

use async_trait::async_trait;
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;

use crate::{Error, Event, Events, Received, Subscription};

/// Number of events by which a listener may be behind before it is told to read the stores again: a burst of a few
/// hundred segments fits, at about 100 bytes each.
pub const BACKLOG: usize = 1024;

/// Broadcast of events within the process.
#[derive(Debug)]
pub struct LocalEvents {
    sender: broadcast::Sender<Event>,
}

impl LocalEvents {
    /// Creates a broadcast without listeners.
    pub fn new() -> Self {
        Self {
            sender: broadcast::Sender::new(BACKLOG),
        }
    }
}

impl Default for LocalEvents {
    fn default() -> Self {
        Self::new()
    }
}

#[async_trait]
impl Events for LocalEvents {
    async fn publish(&self, event: Event) -> Result<(), Error> {
        // Sending fails only if nobody listens, which is not an error.
        let _ = self.sender.send(event);
        Ok(())
    }

    async fn subscribe(&self) -> Result<Box<dyn Subscription>, Error> {
        Ok(Box::new(Listener(self.sender.subscribe())))
    }
}

struct Listener(broadcast::Receiver<Event>);

#[async_trait]
impl Subscription for Listener {
    async fn next(&mut self) -> Received {
        match self.0.recv().await {
            Ok(event) => Received::Event(event),
            Err(RecvError::Lagged(_)) => Received::Lagged,
            Err(RecvError::Closed) => Received::Closed,
        }
    }
}

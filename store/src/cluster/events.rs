//! Events on NATS. Each is published once and not stored.

use async_nats::{Message, Subscriber};
use async_trait::async_trait;
use futures::StreamExt;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{broadcast, watch};

use super::nats::Connection;
use crate::{Error, Event, Events, Received, Subscription};

/// Number of events by which a listener may be behind before it is told to read the stores again: a burst of a few
/// hundred segments fits, at about 200 bytes each.
pub const BACKLOG: usize = 1024;

/// Broadcast of events among all processes with the same prefix.
pub struct NatsEvents {
    connection: Connection,
}

impl NatsEvents {
    /// Creates a broadcast without listeners.
    pub fn new(connection: &Connection) -> Self {
        Self {
            connection: connection.clone(),
        }
    }
}

#[async_trait]
impl Events for NatsEvents {
    async fn publish(&self, event: Event) -> Result<(), Error> {
        let body = serde_json::to_vec(&event).map_err(Error::unavailable)?;
        let subject = self.connection.subject("events");
        self.connection.send(subject, body.into()).await
    }

    async fn subscribe(&self) -> Result<Box<dyn Subscription>, Error> {
        let lost = self.connection.lost();
        let subscribe = async {
            let subject = self.connection.subject("events");
            let heard = self.connection.hear(subject, None).await?;
            self.connection.reach().await?;
            Ok(heard)
        };
        let heard = self.connection.answer(subscribe).await?;
        let (tell, backlog) = broadcast::channel(BACKLOG);
        tokio::spawn(pass_on(heard, lost, tell));
        Ok(Box::new(Listener(backlog)))
    }
}

/// Passes events from the client to one listener's backlog, until the listener is gone.
async fn pass_on(
    mut heard: Subscriber,
    mut lost: watch::Receiver<u64>,
    backlog: broadcast::Sender<Received>,
) {
    loop {
        let received = tokio::select! {
            message = heard.next() => match message {
                Some(message) => event(&message).map(Received::Event),
                None => return,
            },
            Ok(()) = lost.changed() => Some(Received::Lagged),
            () = backlog.closed() => return,
        };
        if let Some(received) = received {
            // Sending fails only if nobody listens any more.
            let _ = backlog.send(received);
        }
    }
}

fn event(message: &Message) -> Option<Event> {
    let read = serde_json::from_slice(&message.payload);
    read.inspect_err(|error| tracing::warn!(%error, "ignored an event that cannot be parsed"))
        .ok()
}

struct Listener(broadcast::Receiver<Received>);

#[async_trait]
impl Subscription for Listener {
    async fn next(&mut self) -> Received {
        match self.0.recv().await {
            Ok(received) => received,
            Err(RecvError::Lagged(_)) => Received::Lagged,
            Err(RecvError::Closed) => Received::Closed,
        }
    }
}

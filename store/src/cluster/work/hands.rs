//! Chunks that workers took directly from the stream, of which the server does not know. Workers announce these
//! chunks to each other, and a worker that is given one of them by the server hands it back.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use async_nats::Subscriber;
use futures::StreamExt;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use tokio::task::AbortHandle;

use super::queue::{Queue, still_here};
use crate::cluster::nats::Connection;
use crate::work::{Chunk, InHand, Settle};
use crate::{Clock, Error, Moment};

/// Largest number of announced chunks that are remembered, more than all workers take together.
const MOST_ANNOUNCED: usize = 10_000;

/// Announcement that a chunk is taken for this long from now, unless another announcement follows.
#[derive(Serialize, Deserialize)]
struct Notice {
    chunk: Chunk,
    for_ms: u64,
}

/// Set of all announced chunks. It does not record who took them.
#[derive(Clone)]
pub(super) struct Hands {
    connection: Connection,
    held: Arc<Held>,
}

struct Held {
    clock: Arc<dyn Clock>,
    until: Mutex<HashMap<Chunk, Moment>>,
}

impl Hands {
    /// Subscribes to the announcements until the handle is aborted.
    pub(super) async fn hear(connection: &Connection) -> Result<(Self, AbortHandle), Error> {
        let hear = async {
            let said = connection.hear(connection.subject("hands"), None).await?;
            connection.reach().await?;
            Ok(said)
        };
        let said = connection.answer(hear).await?;
        let held = Arc::new(Held {
            clock: Arc::clone(connection.clock()),
            until: Mutex::default(),
        });
        let hearing = tokio::spawn(listen(said, Arc::clone(&held)));
        let connection = connection.clone();
        Ok((Self { connection, held }, hearing.abort_handle()))
    }

    pub(super) fn hold(&self, chunk: &Chunk) -> bool {
        let now = self.held.clock.now();
        let until = self.held.until.lock();
        until.get(chunk).is_some_and(|until| *until > now)
    }

    /// Takes the chunk at `sequence` of the stream for this worker. The message stays in the stream until the chunk
    /// is done: nobody offers it again in the meantime, and if the worker dies, another one gets it.
    pub(super) async fn take(&self, queue: &Queue, sequence: u64, chunk: Chunk) -> InHand {
        let silence = self.connection.settings().silence;
        self.say(&chunk, silence).await;
        let (hands, held) = (self.clone(), chunk.clone());
        let heartbeat = self.connection.runtime().spawn(async move {
            loop {
                let pause = still_here(silence);
                hands.connection.clock().sleep(pause).await;
                hands.say(&held, silence).await;
            }
        });
        let ticket = Ticket {
            hands: self.clone(),
            queue: queue.clone(),
            sequence,
            chunk: chunk.clone(),
            heartbeat: heartbeat.abort_handle(),
        };
        InHand::new(chunk, Box::new(ticket))
    }

    async fn say(&self, chunk: &Chunk, span: Duration) {
        self.held.note(chunk.clone(), span);
        let word = Notice {
            chunk: chunk.clone(),
            for_ms: u64::try_from(span.as_millis()).unwrap_or(u64::MAX),
        };
        let subject = self.connection.subject("hands");
        let said = match serde_json::to_vec(&word) {
            Ok(body) => self.connection.send(subject, body.into()).await,
            Err(error) => Err(Error::unavailable(error)),
        };
        if let Err(error) = said {
            tracing::debug!(%error, ?chunk, "an announcement failed, so another worker may make this chunk too");
        }
    }
}

impl Held {
    fn note(&self, chunk: Chunk, span: Duration) {
        let now = self.clock.now();
        let mut until = self.until.lock();
        until.retain(|_, until| *until > now);
        if span.is_zero() {
            until.remove(&chunk);
        } else if until.len() < MOST_ANNOUNCED || until.contains_key(&chunk) {
            until.insert(chunk, now + span);
        }
    }
}

async fn listen(mut said: Subscriber, held: Arc<Held>) {
    while let Some(message) = said.next().await {
        match serde_json::from_slice::<Notice>(&message.payload) {
            Ok(word) => held.note(word.chunk, Duration::from_millis(word.for_ms)),
            Err(error) => {
                tracing::warn!(%error, "ignored an announcement of a taken chunk that cannot be parsed")
            }
        }
    }
}

struct Ticket {
    hands: Hands,
    queue: Queue,
    sequence: u64,
    chunk: Chunk,
    heartbeat: AbortHandle,
}

impl Settle for Ticket {
    fn settle(self: Box<Self>, again_after: Option<Duration>) {
        self.heartbeat.abort();
        let runtime = self.hands.connection.runtime().clone();
        runtime.spawn(async move {
            if again_after.is_none() {
                self.queue.forget(self.sequence).await;
            }
            let span = again_after.unwrap_or_default();
            self.hands.say(&self.chunk, span).await;
        });
    }
}

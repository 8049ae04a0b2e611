//! Workers, as they announce themselves.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_nats::Subscriber;
use futures::StreamExt;
use parking_lot::Mutex;
use tokio::task::AbortHandle;

use crate::cluster::nats::Connection;
use crate::work::{ALIVE, Worker, WorkerId};
use crate::{Clock, Error, Moment};

/// Largest number of workers that are remembered, more than any installation has. It bounds the memory, whatever
/// others publish on the subject.
const MOST_WORKERS: usize = 10_000;

/// All workers that were announced recently.
pub(super) struct Workers {
    connection: Connection,
    heard: Arc<Heard>,
    hearing: AbortHandle,
}

struct Heard {
    clock: Arc<dyn Clock>,
    workers: Mutex<BTreeMap<WorkerId, (Worker, Moment)>>,
}

impl Workers {
    /// Subscribes to the announcements of workers.
    pub(super) async fn hear(connection: &Connection) -> Result<Self, Error> {
        let hear = async {
            let said = connection.hear(connection.subject("workers"), None).await?;
            connection.reach().await?;
            Ok(said)
        };
        let said = connection.answer(hear).await?;
        let heard = Arc::new(Heard {
            clock: Arc::clone(connection.clock()),
            workers: Mutex::default(),
        });
        let hearing = tokio::spawn(listen(said, Arc::clone(&heard)));
        Ok(Self {
            connection: connection.clone(),
            heard,
            hearing: hearing.abort_handle(),
        })
    }

    pub(super) async fn announce(&self, worker: Worker) -> Result<(), Error> {
        let body = serde_json::to_vec(&worker).map_err(Error::unavailable)?;
        self.heard.note(worker);
        let subject = self.connection.subject("workers");
        self.connection.send(subject, body.into()).await
    }

    pub(super) fn heard_of(&self) -> Vec<Worker> {
        let workers = self.heard.living();
        workers.values().map(|(worker, _)| worker.clone()).collect()
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        self.hearing.abort();
    }
}

impl Heard {
    fn note(&self, worker: Worker) {
        let now = self.clock.now();
        let mut workers = self.living();
        if workers.len() < MOST_WORKERS || workers.contains_key(&worker.id) {
            workers.insert(worker.id, (worker, now));
        }
    }

    fn living(&self) -> impl std::ops::DerefMut<Target = BTreeMap<WorkerId, (Worker, Moment)>> {
        let now = self.clock.now();
        let mut workers = self.workers.lock();
        workers.retain(|_, (_, heard)| now.since(*heard) < ALIVE);
        workers
    }
}

async fn listen(mut said: Subscriber, heard: Arc<Heard>) {
    while let Some(message) = said.next().await {
        match serde_json::from_slice(&message.payload) {
            Ok(worker) => heard.note(worker),
            Err(error) => {
                tracing::warn!(%error, "ignored an announcement of a worker that cannot be parsed")
            }
        }
    }
}

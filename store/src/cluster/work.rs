//! Work on NATS: chunks in a JetStream stream, demands as requests, and announcements of workers.

mod demands;
mod hands;
mod listeners;
mod queue;
mod taker;
mod ticket;
mod workers;

use async_trait::async_trait;
use plan::VideoId;
use tokio::sync::{mpsc, oneshot};
use tokio::task::AbortHandle;

use super::nats::{Connection, OpenError};
use crate::work::{Answer, Chunk, Demand, InHand, Listener, Offered, Worker};
use crate::{Error, Work};
use hands::Hands;
use listeners::NatsListener;
use queue::Queue;
use taker::Taker;
use workers::Workers;

/// Number of callers of `take` that wait to be noticed by the taker; more wait in line.
const TAKE_QUEUE: usize = 64;

/// Chunks and demands among all processes with the same prefix.
pub struct NatsWork {
    connection: Connection,
    queue: Queue,
    taking: mpsc::Sender<oneshot::Sender<Result<InHand, Error>>>,
    workers: Workers,
    hands: Hands,
    hearing: AbortHandle,
}

impl Drop for NatsWork {
    fn drop(&mut self) {
        self.hearing.abort();
    }
}

impl NatsWork {
    /// Creates the stream of chunks if it does not exist, and subscribes to announcements of workers.
    ///
    /// # Errors
    /// If the server cannot provide such a stream.
    pub async fn open(connection: &Connection) -> Result<Self, OpenError> {
        let unusable = |error| connection.unusable(&error);
        let queue = Queue::new(connection);
        let made = connection.answer(async { Ok(queue.make().await) }).await;
        let consumer = made.map_err(unusable)??;
        let workers = Workers::hear(connection).await.map_err(unusable)?;
        let (hands, hearing) = Hands::hear(connection).await.map_err(unusable)?;
        let (taking, taken) = mpsc::channel(TAKE_QUEUE);
        let taker = Taker::new(connection, queue.clone(), consumer, &hands, taken).await;
        tokio::spawn(taker.map_err(unusable)?.run());
        Ok(Self {
            connection: connection.clone(),
            queue,
            taking,
            workers,
            hands,
            hearing,
        })
    }
}

#[async_trait]
impl Work for NatsWork {
    async fn offer(&self, chunk: &Chunk) -> Result<Offered, Error> {
        self.connection.answer(self.queue.offer(chunk)).await
    }

    async fn withdraw(&self, chunk: &Chunk) -> Result<bool, Error> {
        if self.hands.hold(chunk) {
            return Ok(false);
        }
        self.connection.answer(self.queue.withdraw(chunk)).await
    }

    async fn take(&self) -> Result<InHand, Error> {
        let (hand, taken) = oneshot::channel();
        let gone = "the task that takes chunks has ended";
        let asked = self.taking.send(hand).await;
        asked.map_err(|_| Error::unavailable(gone))?;
        taken.await.map_err(|_| Error::unavailable(gone))?
    }

    async fn take_more_of(&self, video: VideoId) -> Result<Option<InHand>, Error> {
        let is_free = |chunk: &Chunk| !self.hands.hold(chunk);
        let waiting = self.queue.waiting(video, is_free);
        Ok(match self.connection.answer(waiting).await? {
            Some((sequence, chunk)) => Some(self.hands.take(&self.queue, sequence, chunk).await),
            None => None,
        })
    }

    async fn ask(&self, demand: Demand) -> Result<Answer, Error> {
        demands::ask(&self.connection, demand).await
    }

    async fn tell(&self, demand: Demand) -> Result<(), Error> {
        demands::tell(&self.connection, &demand).await
    }

    async fn listen(&self) -> Result<Box<dyn Listener>, Error> {
        Ok(Box::new(NatsListener::open(&self.connection).await?))
    }

    async fn announce(&self, worker: Worker) -> Result<(), Error> {
        self.workers.announce(worker).await
    }

    async fn workers(&self) -> Result<Vec<Worker>, Error> {
        Ok(self.workers.heard_of())
    }
}

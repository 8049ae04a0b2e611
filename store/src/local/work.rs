//! Work within one process.

mod listeners;
mod queue;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use parking_lot::Mutex;
use plan::VideoId;
use tokio::sync::{Notify, oneshot};

use crate::work::{
    ALIVE, Answer, Asked, Chunk, Demand, InHand, Listener, Offered, Settle, Worker, WorkerId,
};
use crate::{Clock, Error, Moment, Work};
use listeners::{Ear, Listeners};
use queue::{Next, Queue};

/// Chunks and demands within the process.
pub struct LocalWork {
    shared: Arc<Shared>,
    listeners: Mutex<Listeners>,
    workers: Mutex<BTreeMap<WorkerId, (Worker, Moment)>>,
}

struct Shared {
    clock: Arc<dyn Clock>,
    queue: Mutex<Queue>,
    changed: Notify,
}

impl LocalWork {
    /// Creates a queue without work.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        let shared = Shared {
            clock,
            queue: Mutex::default(),
            changed: Notify::new(),
        };
        Self {
            shared: Arc::new(shared),
            listeners: Mutex::default(),
            workers: Mutex::default(),
        }
    }

    /// Asks one worker. No answer within the demand's patience counts as a refusal.
    async fn ask_one(&self, ear: &Ear, demand: Demand) -> Answer {
        let patience = demand.patience;
        let (reply, answer) = oneshot::channel();
        let reply = Box::new(move |answer| {
            // Sending fails only if the caller has stopped waiting, which is not an error.
            let _ = reply.send(answer);
        });
        ear.hand(Asked::new(demand, Some(reply)));
        tokio::select! {
            answer = answer => answer.unwrap_or(Answer::Busy),
            () = self.shared.clock.sleep(patience) => Answer::Busy,
        }
    }
}

impl LocalWork {
    fn in_hand(&self, chunk: Chunk) -> InHand {
        let ticket = Ticket {
            chunk: chunk.clone(),
            shared: Arc::clone(&self.shared),
        };
        InHand::new(chunk, Box::new(ticket))
    }
}

#[async_trait]
impl Work for LocalWork {
    async fn offer(&self, chunk: &Chunk) -> Result<Offered, Error> {
        let now = self.shared.clock.now();
        let offered = self.shared.queue.lock().offer(chunk, now);
        if offered == Offered::Queued {
            self.shared.changed.notify_waiters();
        }
        Ok(offered)
    }

    async fn withdraw(&self, chunk: &Chunk) -> Result<bool, Error> {
        let now = self.shared.clock.now();
        Ok(self.shared.queue.lock().withdraw(chunk, now))
    }

    async fn take(&self) -> Result<InHand, Error> {
        let mut changed = Box::pin(self.shared.changed.notified());
        loop {
            // The notification is enabled before the queue is read, so that no change in between is missed.
            changed.as_mut().enable();
            let next = self.shared.queue.lock().take(self.shared.clock.now());
            match next {
                Next::Chunk(chunk) => return Ok(self.in_hand(chunk)),
                Next::At(moment) => {
                    tokio::select! {
                        () = &mut changed => {}
                        () = self.shared.clock.sleep_until(moment) => {}
                    }
                }
                Next::Nothing => (&mut changed).await,
            }
            changed.set(self.shared.changed.notified());
        }
    }

    async fn take_more_of(&self, video: VideoId) -> Result<Option<InHand>, Error> {
        let now = self.shared.clock.now();
        let taken = self.shared.queue.lock().take_more_of(video, now);
        Ok(taken.map(|chunk| self.in_hand(chunk)))
    }

    async fn ask(&self, demand: Demand) -> Result<Answer, Error> {
        let video = demand.wanted.video();
        let warm = video.and_then(|video| self.listeners.lock().warm_for(video));
        if let Some(warm) = warm {
            let answer = self.ask_one(&warm, demand.clone()).await;
            if answer != Answer::Busy {
                return Ok(answer);
            }
        }
        let any = self.listeners.lock().any();
        match any {
            Some(any) => Ok(self.ask_one(&any, demand).await),
            None => Ok(Answer::Nobody),
        }
    }

    async fn tell(&self, demand: Demand) -> Result<(), Error> {
        let video = demand.wanted.video();
        let warm = video.and_then(|video| self.listeners.lock().warm_for(video));
        if let Some(warm) = warm {
            warm.hand(Asked::new(demand, None));
        }
        Ok(())
    }

    async fn listen(&self) -> Result<Box<dyn Listener>, Error> {
        Ok(Box::new(self.listeners.lock().add()))
    }

    async fn announce(&self, worker: Worker) -> Result<(), Error> {
        let now = self.shared.clock.now();
        self.workers.lock().insert(worker.id, (worker, now));
        Ok(())
    }

    async fn workers(&self) -> Result<Vec<Worker>, Error> {
        let now = self.shared.clock.now();
        let mut workers = self.workers.lock();
        workers.retain(|_, (_, heard)| now.since(*heard) < ALIVE);
        Ok(workers.values().map(|(worker, _)| worker.clone()).collect())
    }
}

/// Chunk that a worker has taken.
struct Ticket {
    chunk: Chunk,
    shared: Arc<Shared>,
}

impl Settle for Ticket {
    fn settle(self: Box<Self>, again_after: Option<Duration>) {
        let now = self.shared.clock.now();
        let again_at = again_after.map(|delay| now + delay);
        self.shared.queue.lock().settle(self.chunk, again_at);
        self.shared.changed.notify_waiters();
    }
}

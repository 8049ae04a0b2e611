//! Work within one process.

mod queue;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use parking_lot::Mutex;
use tokio::sync::{Notify, mpsc, oneshot};

use crate::work::{Answer, Asked, Chunk, Demand, InHand, Offered, Settle};
use crate::{Clock, Error, Work};
use queue::{Next, Queue};

/// Demands that wait for a worker to look at them. Workers answer at once, so that this
/// many means that none is there.
const DEMANDS: usize = 256;

/// Chunks and demands within the process.
pub struct LocalWork {
    shared: Arc<Shared>,
    ask: mpsc::Sender<Asked>,
    asked: tokio::sync::Mutex<mpsc::Receiver<Asked>>,
}

struct Shared {
    clock: Arc<dyn Clock>,
    queue: Mutex<Queue>,
    changed: Notify,
}

impl LocalWork {
    /// Nothing to do yet.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        let (ask, asked) = mpsc::channel(DEMANDS);
        let shared = Shared {
            clock,
            queue: Mutex::default(),
            changed: Notify::new(),
        };
        Self {
            shared: Arc::new(shared),
            ask,
            asked: tokio::sync::Mutex::new(asked),
        }
    }
}

#[async_trait]
impl Work for LocalWork {
    async fn offer(&self, chunk: Chunk) -> Result<Offered, Error> {
        let offered = self
            .shared
            .queue
            .lock()
            .offer(chunk, self.shared.clock.now());
        if offered == Offered::Queued {
            self.shared.changed.notify_waiters();
        }
        Ok(offered)
    }

    async fn take(&self) -> Result<InHand, Error> {
        let mut changed = Box::pin(self.shared.changed.notified());
        loop {
            // Before looking, so that no change between looking and waiting is missed.
            changed.as_mut().enable();
            let next = self.shared.queue.lock().take(self.shared.clock.now());
            match next {
                Next::Chunk(chunk) => {
                    let ticket = Ticket {
                        chunk: chunk.clone(),
                        shared: Arc::clone(&self.shared),
                    };
                    return Ok(InHand::new(chunk, Box::new(ticket)));
                }
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

    async fn demand(&self, demand: Demand) -> Result<Answer, Error> {
        let left_us = demand
            .deadline_us
            .saturating_sub(self.shared.clock.now_us());
        let patience = Duration::from_micros(u64::try_from(left_us).unwrap_or(0));
        let (reply, answer) = oneshot::channel();
        let reply = Box::new(move |answer| {
            // Nobody waits for it any more: fine.
            let _ = reply.send(answer);
        });
        if let Err(refused) = self.ask.try_send(Asked::new(demand, reply)) {
            drop(refused);
            return Ok(Answer::Busy);
        }
        tokio::select! {
            answer = answer => Ok(answer.unwrap_or(Answer::Busy)),
            () = self.shared.clock.sleep(patience) => Ok(Answer::Busy),
        }
    }

    async fn next_demand(&self) -> Result<Asked, Error> {
        let asked = self.asked.lock().await.recv().await;
        asked.ok_or_else(|| Error::unavailable("nobody can ask any more"))
    }
}

/// A chunk in some worker's hands.
struct Ticket {
    chunk: Chunk,
    shared: Arc<Shared>,
}

impl Settle for Ticket {
    fn settle(self: Box<Self>, again_after: Option<Duration>) {
        let now = self.shared.clock.now();
        self.shared
            .queue
            .lock()
            .settle(self.chunk, again_after.map(|delay| now + delay));
        self.shared.changed.notify_waiters();
    }
}

//! A work queue that can lose everything at once, like a server that starts anew.

use std::collections::HashSet;
use std::sync::Arc;

use async_trait::async_trait;
use parking_lot::Mutex;
use plan::{SegmentKey, VideoId};
use store::local::work::LocalWork;
use store::work::{Answer, Chunk, Demand, InHand, Listener, Offered, Wanted, Worker};
use store::{Clock, Error, ObjectKey, Work};
use tokio::sync::{Notify, watch};

use super::PATIENCE;

pub struct Wipeable {
    clock: Arc<dyn Clock>,
    work: Mutex<Arc<LocalWork>>,
    wiped: Notify,
    /// Requests that workers have accepted.
    accepted: watch::Sender<HashSet<Wanted>>,
}

impl Wipeable {
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            work: Mutex::new(Arc::new(LocalWork::new(clock.clone()))),
            clock,
            wiped: Notify::new(),
            accepted: watch::Sender::default(),
        }
    }

    /// Waits until a worker has accepted a request for this segment.
    pub async fn until_accepted(&self, key: &SegmentKey) {
        let wanted = Wanted::Object(ObjectKey::Segment(*key));
        let mut accepted = self.accepted.subscribe();
        let taken_on = accepted.wait_for(|accepted| accepted.contains(&wanted));
        let taken_on = tokio::time::timeout(PATIENCE, taken_on).await;
        taken_on.expect("a worker accepts the segment").unwrap();
    }

    /// Forgets everything that waits, is taken, or listens.
    pub fn wipe(&self) {
        *self.work.lock() = Arc::new(LocalWork::new(self.clock.clone()));
        self.wiped.notify_waiters();
    }

    fn now(&self) -> Arc<LocalWork> {
        self.work.lock().clone()
    }
}

#[async_trait]
impl Work for Wipeable {
    async fn offer(&self, chunk: &Chunk) -> Result<Offered, Error> {
        self.now().offer(chunk).await
    }

    async fn take(&self) -> Result<InHand, Error> {
        loop {
            let wiped = self.wiped.notified();
            let work = self.now();
            tokio::select! {
                taken = work.take() => return taken,
                () = wiped => {}
            }
        }
    }

    async fn withdraw(&self, chunk: &Chunk) -> Result<bool, Error> {
        self.now().withdraw(chunk).await
    }

    async fn take_more_of(&self, video: VideoId) -> Result<Option<InHand>, Error> {
        self.now().take_more_of(video).await
    }

    async fn ask(&self, demand: Demand) -> Result<Answer, Error> {
        let wanted = demand.wanted.clone();
        let answer = self.now().ask(demand).await?;
        if answer == Answer::Accepted {
            self.accepted.send_modify(|accepted| {
                accepted.insert(wanted);
            });
        }
        Ok(answer)
    }

    async fn tell(&self, demand: Demand) -> Result<(), Error> {
        self.now().tell(demand).await
    }

    async fn listen(&self) -> Result<Box<dyn Listener>, Error> {
        self.now().listen().await
    }

    async fn announce(&self, worker: Worker) -> Result<(), Error> {
        self.now().announce(worker).await
    }

    async fn workers(&self) -> Result<Vec<Worker>, Error> {
        self.now().workers().await
    }
}

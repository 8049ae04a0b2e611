//! Work and events in a storm: they are lost, come late, and come more than once.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use parking_lot::Mutex;
use plan::VideoId;
use store::work::{Answer, Asked, Chunk, Demand, InHand, Listener, Offered, Settle, Worker};
use store::{Error, Event, Events, Received, Stores, Subscription, Work};

use super::line::{Line, Word};

/// Silence of a worker after which its chunk comes again.
const SILENCE: Duration = Duration::from_secs(30);

fn lost() -> Error {
    Error::unavailable("a storm")
}

/// The work queue as one process sees it in a storm.
pub struct StormyWork {
    work: Arc<dyn Work>,
    line: Arc<Line>,
    /// Copies of chunks that come to this process once more.
    again: Mutex<Vec<Chunk>>,
}

impl StormyWork {
    pub fn new(calm: &Stores, line: &Arc<Line>) -> Self {
        Self {
            work: calm.work.clone(),
            line: line.clone(),
            again: Mutex::default(),
        }
    }

    fn ticket(&self, in_hand: InHand) -> InHand {
        let (chunk, line) = (in_hand.chunk().clone(), self.line.clone());
        InHand::new(chunk, Box::new(Ticket { in_hand, line }))
    }
}

struct Ticket {
    in_hand: InHand,
    line: Arc<Line>,
}

impl Settle for Ticket {
    fn settle(self: Box<Self>, again_after: Option<Duration>) {
        match again_after {
            _ if self.line.is_cut() => self.in_hand.nack(SILENCE),
            None => self.in_hand.ack(),
            Some(delay) => self.in_hand.nack(delay),
        }
    }
}

/// A receipt for a copy of a chunk: acknowledging it changes nothing.
struct Copied;

impl Settle for Copied {
    fn settle(self: Box<Self>, _: Option<Duration>) {}
}

#[async_trait]
impl Work for StormyWork {
    async fn offer(&self, chunk: &Chunk) -> Result<Offered, Error> {
        match self.line.word()? {
            Word::Lost => Ok(Offered::Queued),
            Word::Heard => self.work.offer(chunk).await,
        }
    }

    async fn take(&self) -> Result<InHand, Error> {
        if let Some(chunk) = self.again.lock().pop() {
            return Ok(InHand::new(chunk, Box::new(Copied)));
        }
        let in_hand = loop {
            let in_hand = self.work.take().await?;
            if !self.line.is_cut() {
                break in_hand;
            }
            // The chunk was given to a worker whose line is cut.
            in_hand.nack(SILENCE);
            self.line.until_back().await;
        };
        let chunk = in_hand.chunk().clone();
        let again = std::iter::repeat_n(chunk, self.line.weather.repeats());
        self.again.lock().extend(again);
        Ok(self.ticket(in_hand))
    }

    async fn withdraw(&self, chunk: &Chunk) -> Result<bool, Error> {
        if self.line.loses() {
            return Err(lost());
        }
        let withdrawn = self.work.withdraw(chunk).await?;
        if self.line.loses() {
            return Err(lost());
        }
        Ok(withdrawn)
    }

    async fn take_more_of(&self, video: VideoId) -> Result<Option<InHand>, Error> {
        if self.line.loses() {
            return Err(lost());
        }
        let in_hand = self.work.take_more_of(video).await?;
        Ok(in_hand.map(|in_hand| self.ticket(in_hand)))
    }

    async fn ask(&self, demand: Demand) -> Result<Answer, Error> {
        if self.line.loses() {
            return Err(lost());
        }
        self.line.arrival().await;
        for _ in 0..self.line.weather.repeats() {
            self.work.ask(demand.clone()).await?;
        }
        let answer = self.work.ask(demand).await?;
        if self.line.loses() {
            Err(lost())
        } else {
            Ok(answer)
        }
    }

    async fn tell(&self, demand: Demand) -> Result<(), Error> {
        if self.line.word()? == Word::Lost {
            return Ok(());
        }
        self.line.arrival().await;
        self.work.tell(demand).await
    }

    async fn listen(&self) -> Result<Box<dyn Listener>, Error> {
        Ok(Box::new(StormyListener {
            listener: self.work.listen().await?,
            line: self.line.clone(),
        }))
    }

    async fn announce(&self, worker: Worker) -> Result<(), Error> {
        if self.line.word()? == Word::Lost {
            return Ok(());
        }
        self.work.announce(worker).await
    }

    async fn workers(&self) -> Result<Vec<Worker>, Error> {
        // A process whose line is cut for long forgets the workers.
        if self.line.is_cut() {
            return Ok(Vec::new());
        }
        self.work.workers().await
    }
}

/// A worker's listener, which gets no request while the line is cut.
struct StormyListener {
    listener: Box<dyn Listener>,
    line: Arc<Line>,
}

#[async_trait]
impl Listener for StormyListener {
    async fn next(&mut self) -> Result<Asked, Error> {
        loop {
            let asked = self.listener.next().await?;
            // A dropped request counts as refused.
            if !self.line.is_cut() {
                return Ok(asked);
            }
        }
    }

    async fn attend(&mut self, videos: &[VideoId]) -> Result<(), Error> {
        self.listener.attend(videos).await
    }
}

/// Events as one process receives them in a storm.
pub struct StormyEvents {
    events: Arc<dyn Events>,
    line: Arc<Line>,
}

impl StormyEvents {
    pub fn new(calm: &Stores, line: &Arc<Line>) -> Self {
        Self {
            events: calm.events.clone(),
            line: line.clone(),
        }
    }
}

#[async_trait]
impl Events for StormyEvents {
    async fn publish(&self, event: Event) -> Result<(), Error> {
        if self.line.word()? == Word::Lost {
            return Ok(());
        }
        for _ in 0..self.line.weather.repeats() {
            self.events.publish(event.clone()).await?;
        }
        let (events, line) = (self.events.clone(), self.line.clone());
        // Events that are published later may arrive before this one.
        tokio::spawn(async move {
            line.arrival().await;
            // An error means that the storm is over and nobody listens.
            let _ = events.publish(event).await;
        });
        Ok(())
    }

    async fn subscribe(&self) -> Result<Box<dyn Subscription>, Error> {
        Ok(Box::new(StormyEars {
            subscription: self.events.subscribe().await?,
            line: self.line.clone(),
            missed: false,
        }))
    }
}

struct StormyEars {
    subscription: Box<dyn Subscription>,
    line: Arc<Line>,
    /// Whether an event came while the line was cut; the process is told so once the line is back.
    missed: bool,
}

#[async_trait]
impl Subscription for StormyEars {
    async fn next(&mut self) -> Received {
        loop {
            let missed = self.missed;
            let received = tokio::select! {
                received = self.subscription.next() => received,
                () = self.line.until_back(), if missed => {
                    self.missed = false;
                    return Received::Lagged;
                }
            };
            if received == Received::Closed {
                return received;
            }
            if self.line.is_cut() {
                self.missed = true;
            } else if !self.line.weather.loses() {
                return received;
            }
        }
    }
}

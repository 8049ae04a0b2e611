//! Work and events that are lost, and come more than once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use parking_lot::Mutex;
use plan::VideoId;
use store::work::{Answer, Chunk, Demand, InHand, Listener, Offered, Settle, Worker};
use store::{Error, Event, Events, Received, Stores, Subscription, Work};

use super::weather::Weather;

/// A chunk comes again when its worker was not heard of for so long.
const SILENCE: Duration = Duration::from_secs(30);

fn lost() -> Error {
    Error::unavailable("a storm")
}

/// Work as one process sees it.
pub struct StormyWork {
    work: Arc<dyn Work>,
    weather: Arc<Weather>,
    /// Chunks that come once more, to this process.
    again: Mutex<Vec<Chunk>>,
    silent: Arc<AtomicBool>,
}

impl StormyWork {
    pub fn new(calm: &Stores, weather: &Arc<Weather>) -> Self {
        Self {
            work: calm.work.clone(),
            weather: weather.clone(),
            again: Mutex::default(),
            silent: Arc::default(),
        }
    }

    fn ticket(&self, in_hand: InHand) -> InHand {
        let (chunk, silent) = (in_hand.chunk().clone(), self.silent.clone());
        InHand::new(chunk, Box::new(Ticket { in_hand, silent }))
    }

    /// Nobody hears of this process any more.
    pub fn fall_silent(&self) {
        self.silent.store(true, Ordering::Relaxed);
    }
}

struct Ticket {
    in_hand: InHand,
    silent: Arc<AtomicBool>,
}

impl Settle for Ticket {
    fn settle(self: Box<Self>, again_after: Option<Duration>) {
        match again_after {
            _ if self.silent.load(Ordering::Relaxed) => self.in_hand.nack(SILENCE),
            None => self.in_hand.ack(),
            Some(delay) => self.in_hand.nack(delay),
        }
    }
}

/// A copy: what becomes of it changes nothing.
struct Copied;

impl Settle for Copied {
    fn settle(self: Box<Self>, _: Option<Duration>) {}
}

#[async_trait]
impl Work for StormyWork {
    async fn offer(&self, chunk: &Chunk) -> Result<Offered, Error> {
        if self.weather.loses() {
            return Ok(Offered::Queued);
        }
        self.work.offer(chunk).await
    }

    async fn take(&self) -> Result<InHand, Error> {
        if let Some(chunk) = self.again.lock().pop() {
            return Ok(InHand::new(chunk, Box::new(Copied)));
        }
        let in_hand = self.work.take().await?;
        let chunk = in_hand.chunk().clone();
        let again = std::iter::repeat_n(chunk, self.weather.repeats());
        self.again.lock().extend(again);
        Ok(self.ticket(in_hand))
    }

    async fn withdraw(&self, chunk: &Chunk) -> Result<bool, Error> {
        if self.weather.loses() {
            return Err(lost());
        }
        let withdrawn = self.work.withdraw(chunk).await?;
        if self.weather.loses() {
            return Err(lost());
        }
        Ok(withdrawn)
    }

    async fn take_more_of(&self, video: VideoId) -> Result<Option<InHand>, Error> {
        if self.weather.loses() {
            return Err(lost());
        }
        let in_hand = self.work.take_more_of(video).await?;
        Ok(in_hand.map(|in_hand| self.ticket(in_hand)))
    }

    async fn ask(&self, demand: Demand) -> Result<Answer, Error> {
        if self.weather.loses() {
            return Err(lost());
        }
        for _ in 0..self.weather.repeats() {
            self.work.ask(demand.clone()).await?;
        }
        let answer = self.work.ask(demand).await?;
        if self.weather.loses() {
            Err(lost())
        } else {
            Ok(answer)
        }
    }

    async fn tell(&self, demand: Demand) -> Result<(), Error> {
        if self.weather.loses() {
            return Ok(());
        }
        self.work.tell(demand).await
    }

    async fn listen(&self) -> Result<Box<dyn Listener>, Error> {
        self.work.listen().await
    }

    async fn announce(&self, worker: Worker) -> Result<(), Error> {
        let is_silent = self.silent.load(Ordering::Relaxed);
        if is_silent || self.weather.loses() {
            return Ok(());
        }
        self.work.announce(worker).await
    }

    async fn workers(&self) -> Result<Vec<Worker>, Error> {
        self.work.workers().await
    }
}

/// Events as one process hears them.
pub struct StormyEvents {
    events: Arc<dyn Events>,
    weather: Arc<Weather>,
}

impl StormyEvents {
    pub fn new(calm: &Stores, weather: &Arc<Weather>) -> Self {
        Self {
            events: calm.events.clone(),
            weather: weather.clone(),
        }
    }
}

#[async_trait]
impl Events for StormyEvents {
    async fn publish(&self, event: Event) -> Result<(), Error> {
        if self.weather.loses() {
            return Ok(());
        }
        for _ in 0..self.weather.repeats() {
            self.events.publish(event.clone()).await?;
        }
        self.events.publish(event).await
    }

    async fn subscribe(&self) -> Result<Box<dyn Subscription>, Error> {
        Ok(Box::new(StormyEars {
            subscription: self.events.subscribe().await?,
            weather: self.weather.clone(),
        }))
    }
}

struct StormyEars {
    subscription: Box<dyn Subscription>,
    weather: Arc<Weather>,
}

#[async_trait]
impl Subscription for StormyEars {
    async fn next(&mut self) -> Received {
        loop {
            let received = self.subscription.next().await;
            if received == Received::Closed || !self.weather.loses() {
                return received;
            }
        }
    }
}

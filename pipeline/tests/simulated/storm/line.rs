//! The line of a process to all others: messages are lost on it, it may be cut for a while, and it may be dead.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use store::{Clock, Error, Moment, Stores};

use super::weather::Weather;

/// What becomes of a message.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Word {
    Heard,
    /// The message is lost, and the sender does not learn that.
    Lost,
}

pub struct Line {
    pub weather: Arc<Weather>,
    clock: Arc<dyn Clock>,
    cut_until: Mutex<Moment>,
    dead: AtomicBool,
}

impl Line {
    pub fn new(calm: &Stores, weather: &Arc<Weather>) -> Arc<Self> {
        Arc::new(Self {
            weather: weather.clone(),
            clock: calm.clock.clone(),
            cut_until: Mutex::default(),
            dead: AtomicBool::new(false),
        })
    }

    /// Cuts the line for this span: the process reaches nobody, and nobody reaches it.
    pub fn cut(&self, span: Duration) {
        *self.cut_until.lock() = self.clock.now() + span;
    }

    /// Cuts the line for ever.
    pub fn die(&self) {
        self.dead.store(true, Ordering::Relaxed);
    }

    pub fn is_cut(&self) -> bool {
        let is_cut = self.clock.now() < *self.cut_until.lock();
        self.dead.load(Ordering::Relaxed) || is_cut && !self.weather.is_clear()
    }

    /// Waits until the line is no longer cut.
    pub async fn until_back(&self) {
        let until = *self.cut_until.lock();
        self.clock.sleep_until(until).await;
    }

    /// Whether a message that is sent now is lost.
    pub fn loses(&self) -> bool {
        self.is_cut() || self.weather.loses()
    }

    /// Decides what becomes of a message that is sent now.
    ///
    /// # Errors
    /// The message is lost, and the sender learns that.
    pub fn word(&self) -> Result<Word, Error> {
        if !self.loses() {
            return Ok(Word::Heard);
        }
        // The client of a message server notices in some cases that the server does not answer.
        match self.weather.below(2) {
            0 => Err(Error::unavailable("a storm")),
            _ => Ok(Word::Lost),
        }
    }

    /// Waits until a message arrives: at once or a little later.
    pub async fn arrival(&self) {
        if let Some(late) = self.weather.lateness() {
            self.clock.sleep(late).await;
        }
    }

    /// Waits as long as a request to the rows, or its answer, takes on the way.
    pub async fn way(&self) {
        let span = self.weather.slowness();
        self.clock.sleep(span).await;
    }

    /// Waits until the caller's turn in a long queue comes.
    pub async fn long_way(&self) {
        let span = Duration::from_millis(self.weather.below(1000).into());
        self.clock.sleep(span).await;
    }

    /// Checks whether the stores can be reached.
    pub fn reaches_stores(&self) -> Result<(), Error> {
        let is_cut = self.is_cut() && !self.weather.spares_stores();
        if is_cut && !self.dead.load(Ordering::Relaxed) {
            return Err(Error::unavailable("a storm"));
        }
        Ok(())
    }
}

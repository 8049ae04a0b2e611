//! A process's line to everybody else: it is bad, it may be cut for a while, and it may be dead.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use store::{Clock, Error, Moment, Stores};

use super::weather::Weather;

/// What becomes of something that is said.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Word {
    Heard,
    /// Nobody hears it, and whoever said it does not learn that.
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

    /// For so long the process reaches nobody, and nobody reaches it.
    pub fn cut(&self, span: Duration) {
        *self.cut_until.lock() = self.clock.now() + span;
    }

    /// Nobody hears of this process any more.
    pub fn die(&self) {
        self.dead.store(true, Ordering::Relaxed);
    }

    pub fn is_cut(&self) -> bool {
        let is_cut = self.clock.now() < *self.cut_until.lock();
        self.dead.load(Ordering::Relaxed) || is_cut && !self.weather.is_clear()
    }

    /// Ends when the process is reached again.
    pub async fn until_back(&self) {
        let until = *self.cut_until.lock();
        self.clock.sleep_until(until).await;
    }

    /// Whether what is said now is lost.
    pub fn loses(&self) -> bool {
        self.is_cut() || self.weather.loses()
    }

    /// What becomes of something that is said now; an error where whoever says it learns that it was not heard.
    pub fn word(&self) -> Result<Word, Error> {
        if !self.loses() {
            return Ok(Word::Heard);
        }
        // A client of a message server notices some time that there is nobody any more.
        match self.weather.below(2) {
            0 => Err(Error::unavailable("a storm")),
            _ => Ok(Word::Lost),
        }
    }

    /// Now, or a little later.
    pub async fn arrival(&self) {
        if let Some(late) = self.weather.lateness() {
            self.clock.sleep(late).await;
        }
    }

    /// A while on the way to the rows, or back.
    pub async fn way(&self) {
        let span = self.weather.slowness();
        self.clock.sleep(span).await;
    }

    /// As long as it takes until one of many is come to.
    pub async fn long_way(&self) {
        let span = Duration::from_millis(self.weather.below(1000).into());
        self.clock.sleep(span).await;
    }

    /// Whether anything of the stores is reached.
    pub fn reaches_stores(&self) -> Result<(), Error> {
        let is_cut = self.is_cut() && !self.weather.spares_stores();
        if is_cut && !self.dead.load(Ordering::Relaxed) {
            return Err(Error::unavailable("a storm"));
        }
        Ok(())
    }
}

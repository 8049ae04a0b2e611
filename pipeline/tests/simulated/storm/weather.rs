//! The weather of a storm: a seed decides what goes wrong.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use fastrand::Rng;
use parking_lot::Mutex;

pub struct Weather {
    random: Mutex<Rng>,
    /// Chances in a thousand; this one is of a message to be lost.
    lost: u32,
    repeated: u32,
    late: u32,
    slow: u32,
    failed: u32,
    clear: AtomicBool,
}

/// What happens to a request to a store.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    Goes,
    /// The request does not arrive.
    Lost,
    /// The request is done, but the answer is lost.
    Unanswered,
}

impl Weather {
    pub fn of(seed: u64) -> Arc<Self> {
        let mut random = Rng::with_seed(seed);
        let failed = random.u32(0..80).saturating_sub(40);
        Arc::new(Self {
            lost: random.u32(0..150),
            repeated: random.u32(0..300),
            late: random.u32(0..300),
            slow: random.u32(0..300),
            failed,
            random: Mutex::new(random),
            clear: AtomicBool::new(false),
        })
    }

    /// Weather in which nothing is lost and nothing fails, but every message comes three times.
    pub fn echoing(seed: u64) -> Arc<Self> {
        Arc::new(Self {
            random: Mutex::new(Rng::with_seed(seed)),
            lost: 0,
            repeated: 1000,
            late: 0,
            slow: 0,
            failed: 0,
            clear: AtomicBool::new(false),
        })
    }

    /// Whether the stores never fail, as in every second storm: stores must not depend on any message.
    pub fn spares_stores(&self) -> bool {
        self.failed == 0
    }

    /// Ends the storm: nothing goes wrong from now on.
    pub fn clear(&self) {
        self.clear.store(true, Ordering::Relaxed);
    }

    pub fn is_clear(&self) -> bool {
        self.clear.load(Ordering::Relaxed)
    }

    /// A random number below `end`.
    pub fn below(&self, end: u32) -> u32 {
        self.random.lock().u32(0..end.max(1))
    }

    fn happens(&self, of_thousand: u32) -> bool {
        !self.is_clear() && self.below(1000) < of_thousand
    }

    /// Whether a message is lost.
    pub fn loses(&self) -> bool {
        self.happens(self.lost)
    }

    /// How many more times a message comes: none, or two.
    pub fn repeats(&self) -> usize {
        if self.happens(self.repeated) { 2 } else { 0 }
    }

    /// By how much a message is late, if it is late.
    pub fn lateness(&self) -> Option<Duration> {
        let late = self.happens(self.late);
        late.then(|| Duration::from_millis(self.below(3000).into()))
    }

    /// How long a request to the rows, or its answer, is on its way.
    pub fn slowness(&self) -> Duration {
        let slow = self.happens(self.slow);
        Duration::from_millis(self.below(if slow { 2000 } else { 20 }).into())
    }

    /// Decides what becomes of a request to a store.
    pub fn fate(&self) -> Fate {
        match self.happens(self.failed) {
            false => Fate::Goes,
            true if self.below(2) == 0 => Fate::Lost,
            true => Fate::Unanswered,
        }
    }
}

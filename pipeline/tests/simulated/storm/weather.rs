//! What goes wrong, by a seed.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use fastrand::Rng;
use parking_lot::Mutex;

pub struct Weather {
    random: Mutex<Rng>,
    /// Of a thousand each.
    lost: u32,
    repeated: u32,
    late: u32,
    slow: u32,
    failed: u32,
    clear: AtomicBool,
}

/// What happens to a request.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    Goes,
    /// It does not arrive.
    Lost,
    /// It is done, and nobody learns it.
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

    /// Nothing is lost and nothing fails, but everything comes three times.
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

    /// Whether the stores do as they are asked, in every second storm: nothing that is only said is needed for what they do.
    pub fn spares_stores(&self) -> bool {
        self.failed == 0
    }

    /// From now on everything goes well.
    pub fn clear(&self) {
        self.clear.store(true, Ordering::Relaxed);
    }

    pub fn is_clear(&self) -> bool {
        self.clear.load(Ordering::Relaxed)
    }

    /// A number below this one.
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

    /// How often a message comes again: not at all, or twice.
    pub fn repeats(&self) -> usize {
        if self.happens(self.repeated) { 2 } else { 0 }
    }

    /// By how much a message is late, if it is.
    pub fn lateness(&self) -> Option<Duration> {
        let late = self.happens(self.late);
        late.then(|| Duration::from_millis(self.below(3000).into()))
    }

    /// How long a request to the rows is on its way, or its answer.
    pub fn slowness(&self) -> Duration {
        let slow = self.happens(self.slow);
        Duration::from_millis(self.below(if slow { 2000 } else { 20 }).into())
    }

    /// What becomes of a request to a store.
    pub fn fate(&self) -> Fate {
        match self.happens(self.failed) {
            false => Fate::Goes,
            true if self.below(2) == 0 => Fate::Lost,
            true => Fate::Unanswered,
        }
    }
}

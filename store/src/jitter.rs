//! Randomness that spreads load and need not be secret.

use std::time::Duration;

use parking_lot::Mutex;

/// A seedable source of jitter, so that a simulation can repeat a run.
#[derive(Debug)]
pub struct Jitter(Mutex<fastrand::Rng>);

impl Jitter {
    /// The same seed gives the same jitter.
    pub fn seeded(seed: u64) -> Self {
        Self(Mutex::new(fastrand::Rng::with_seed(seed)))
    }

    /// A different one in each process.
    pub fn from_entropy() -> Self {
        Self(Mutex::new(fastrand::Rng::new()))
    }

    /// A span from nought to `most`, both included: "full jitter" for a retry.
    pub fn up_to(&self, most: Duration) -> Duration {
        let us = u64::try_from(most.as_micros()).unwrap_or(u64::MAX);
        Duration::from_micros(self.0.lock().u64(0..=us))
    }
}

//! Random jitter that spreads load and need not be secret.

use std::time::Duration;

use parking_lot::Mutex;

/// Seedable source of jitter, so that a simulation can repeat a run.
#[derive(Debug)]
pub struct Jitter(Mutex<fastrand::Rng>);

impl Jitter {
    /// Creates a source of jitter from a seed. Equal seeds give equal jitter.
    pub fn seeded(seed: u64) -> Self {
        Self(Mutex::new(fastrand::Rng::with_seed(seed)))
    }

    /// Creates a source of jitter with a random seed.
    pub fn from_entropy() -> Self {
        Self(Mutex::new(fastrand::Rng::new()))
    }

    /// Random duration from zero to `most`, both included: "full jitter" for a retry.
    pub fn up_to(&self, most: Duration) -> Duration {
        let us = u64::try_from(most.as_micros()).unwrap_or(u64::MAX);
        Duration::from_micros(self.0.lock().u64(0..=us))
    }
}

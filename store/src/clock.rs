//! Time, as a seam: tests and the simulation own it.

use std::fmt::Debug;
use std::ops::Add;
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::watch;

/// A point on a clock that never goes back; comparable within one process only.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Moment(Duration);

impl Moment {
    /// How long after `earlier` this is; nought if it is before.
    pub fn since(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }
}

impl Add<Duration> for Moment {
    type Output = Self;
    fn add(self, span: Duration) -> Self {
        Self(self.0.saturating_add(span))
    }
}

/// The only source of time.
#[async_trait]
pub trait Clock: Send + Sync + Debug {
    /// Wall-clock time in microseconds since 1970 UTC. May jump; for rows and people.
    fn now_us(&self) -> i64;

    /// Monotonic time; for deadlines and durations.
    fn now(&self) -> Moment;

    /// Returns at `deadline`, at once if it has passed. Safe to drop at any time.
    async fn sleep_until(&self, deadline: Moment);

    /// Returns after `span`.
    async fn sleep(&self, span: Duration) {
        self.sleep_until(self.now() + span).await;
    }
}

/// The machine's clocks.
#[derive(Clone, Copy, Debug)]
pub struct SystemClock {
    origin: tokio::time::Instant,
}

impl SystemClock {
    /// A clock whose monotonic time starts now.
    pub fn new() -> Self {
        Self {
            origin: tokio::time::Instant::now(),
        }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

#[async_trait]
impl Clock for SystemClock {
    // The one place that may: everybody else asks a `Clock`.
    #[allow(clippy::disallowed_methods)]
    fn now_us(&self) -> i64 {
        unix_us(std::time::SystemTime::now())
    }

    fn now(&self) -> Moment {
        Moment(self.origin.elapsed())
    }

    async fn sleep_until(&self, deadline: Moment) {
        match self.origin.checked_add(deadline.0) {
            Some(instant) => tokio::time::sleep_until(instant).await,
            None => std::future::pending().await,
        }
    }
}

/// Microseconds since 1970 UTC of a time that the file system gave; before it, negative.
pub(crate) fn unix_us(time: std::time::SystemTime) -> i64 {
    let us = |span: Duration| i64::try_from(span.as_micros()).unwrap_or(i64::MAX);
    match time.duration_since(std::time::UNIX_EPOCH) {
        Ok(after) => us(after),
        Err(before) => -us(before.duration()),
    }
}

/// A clock that stands still until it is told to move; for tests and the simulation.
#[derive(Clone, Debug)]
pub struct ManualClock {
    elapsed: watch::Sender<Duration>,
    start_us: i64,
}

impl ManualClock {
    /// A clock that shows `start_us` (microseconds since 1970 UTC).
    pub fn new(start_us: i64) -> Self {
        Self {
            elapsed: watch::Sender::new(Duration::ZERO),
            start_us,
        }
    }

    /// Moves both clocks forward and wakes who slept until then. Clones move together.
    pub fn advance(&self, span: Duration) {
        self.elapsed
            .send_modify(|elapsed| *elapsed = elapsed.saturating_add(span));
    }
}

#[async_trait]
impl Clock for ManualClock {
    fn now_us(&self) -> i64 {
        let us = i64::try_from(self.elapsed.borrow().as_micros()).unwrap_or(i64::MAX);
        self.start_us.saturating_add(us)
    }

    fn now(&self) -> Moment {
        Moment(*self.elapsed.borrow())
    }

    async fn sleep_until(&self, deadline: Moment) {
        let mut elapsed = self.elapsed.subscribe();
        // An error would mean that the sender is gone, but `self` holds it.
        let _ = elapsed.wait_for(|elapsed| *elapsed >= deadline.0).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_manual_clock_wakes_sleepers_when_their_time_has_come() {
        let clock = ManualClock::new(1_000);
        let sleeper = tokio::spawn({
            let clock = clock.clone();
            async move { clock.sleep(Duration::from_secs(5)).await }
        });
        tokio::task::yield_now().await;
        clock.advance(Duration::from_secs(4));
        tokio::task::yield_now().await;
        assert!(!sleeper.is_finished());
        clock.advance(Duration::from_secs(1));
        sleeper.await.unwrap();
        assert_eq!(clock.now_us(), 5_001_000);
    }
}

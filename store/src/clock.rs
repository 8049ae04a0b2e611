//! The clock interface. All code takes time from it, so that tests and the simulation can control time.

use std::fmt::Debug;
use std::ops::Add;
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::watch;

/// Point in time on a monotonic clock. Moments can be compared only within one process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Moment(Duration);

impl Moment {
    /// Time that has passed since `earlier`; zero if this moment is before it.
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
    /// Wall-clock time in microseconds since 1970 UTC, for rows and people. It may jump.
    fn now_us(&self) -> i64;

    /// Monotonic time, for deadlines and durations.
    fn now(&self) -> Moment;

    /// Returns at `deadline`, or at once if it has passed. The future may be dropped at any time.
    async fn sleep_until(&self, deadline: Moment);

    /// Returns after `span`.
    async fn sleep(&self, span: Duration) {
        self.sleep_until(self.now() + span).await;
    }
}

/// The clocks of the operating system.
#[derive(Clone, Copy, Debug)]
pub struct SystemClock {
    origin: tokio::time::Instant,
}

impl SystemClock {
    /// Creates a clock whose monotonic time starts now.
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
    // This is the only place that may read the system time; all other code uses a `Clock`.
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

/// Converts a time of the file system to microseconds since 1970 UTC; earlier times are negative.
pub(crate) fn unix_us(time: std::time::SystemTime) -> i64 {
    let us = |span: Duration| i64::try_from(span.as_micros()).unwrap_or(i64::MAX);
    match time.duration_since(std::time::UNIX_EPOCH) {
        Ok(after) => us(after),
        Err(before) => -us(before.duration()),
    }
}

/// Clock that stands still until it is advanced, for tests and the simulation.
#[derive(Clone, Debug)]
pub struct ManualClock {
    elapsed: watch::Sender<Duration>,
    start_us: i64,
}

impl ManualClock {
    /// Creates a clock that shows `start_us` (microseconds since 1970 UTC).
    pub fn new(start_us: i64) -> Self {
        Self {
            elapsed: watch::Sender::new(Duration::ZERO),
            start_us,
        }
    }

    /// Advances wall-clock and monotonic time, and wakes sleepers whose deadline has passed. Clones share the same
    /// time.
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
        // `wait_for` fails only if the sender is gone, but `self` holds the sender.
        let _ = elapsed.wait_for(|elapsed| *elapsed >= deadline.0).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_manual_clock_wakes_sleepers_at_their_deadlines() {
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

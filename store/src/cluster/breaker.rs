//! Circuit breaker: a store that does not answer gets no requests for a moment. Callers then fail at once instead of
//! waiting for the store's time limit, and a returning store is not flooded.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;

use crate::{Clock, Error, Moment};

/// Number of consecutive failures after which the breaker opens. Each failed after all retries of the layer that owns
/// them, so this is no coincidence.
const FAILURES_TO_OPEN: u32 = 5;
/// First time for which no requests are sent. It doubles each time that the trial request afterwards fails.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
/// Longest time for which no requests are sent.
const LONGEST_PAUSE: Duration = Duration::from_secs(4);

/// Circuit breaker of one store.
pub(super) struct Breaker {
    name: &'static str,
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    failures: u32,
    /// End of the current pause and its length; `None` while requests are sent.
    rest: Option<(Moment, Duration)>,
    /// Whether a trial request is running.
    is_trial_running: bool,
}

/// Permission to send a request.
struct Pass<'a> {
    breaker: &'a Breaker,
    is_trial: bool,
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        // The trial ended without an answer, so another caller may try.
        if self.is_trial {
            self.breaker.state.lock().is_trial_running = false;
        }
    }
}

impl Breaker {
    pub(super) fn new(name: &'static str, clock: Arc<dyn Clock>) -> Self {
        Self {
            name,
            clock,
            state: Mutex::default(),
        }
    }

    /// Sends a request, or fails at once while the breaker is open.
    pub(super) async fn ask<T>(
        &self,
        asking: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        let pass = self.pass()?;
        let answer = asking.await;
        self.note(&pass, answer.as_ref().is_err_and(Error::is_away));
        answer
    }

    fn pass(&self) -> Result<Pass<'_>, Error> {
        let mut state = self.state.lock();
        let is_trial = state.rest.is_some();
        if let Some((until, _)) = state.rest
            && (state.is_trial_running || self.clock.now() < until)
        {
            let left_alone = format!(
                "{} did not answer, and requests to it are suspended",
                self.name
            );
            return Err(Error::unavailable(left_alone));
        }
        state.is_trial_running = is_trial;
        Ok(Pass {
            breaker: self,
            is_trial,
        })
    }

    fn note(&self, pass: &Pass<'_>, failed: bool) {
        let mut state = self.state.lock();
        if !failed {
            if state.rest.take().is_some() {
                tracing::info!(store = self.name, "the store answers again");
            }
            state.failures = 0;
            return;
        }
        state.failures += 1;
        let rest = match state.rest {
            // The failed request was sent before the breaker opened.
            Some(_) if !pass.is_trial => return,
            Some((_, rest)) => (rest * 2).min(LONGEST_PAUSE),
            None if state.failures >= FAILURES_TO_OPEN => {
                tracing::warn!(
                    store = self.name,
                    "the store does not answer; requests to it are suspended"
                );
                FIRST_PAUSE
            }
            None => return,
        };
        state.rest = Some((self.clock.now() + rest, rest));
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use futures::poll;

    use super::*;
    use crate::ManualClock;

    async fn fail(breaker: &Breaker) {
        let failed: Result<(), _> = breaker.ask(ready(Err(Error::unavailable("away")))).await;
        assert!(failed.is_err());
    }

    async fn is_asked(breaker: &Breaker) -> bool {
        breaker.ask(ready(Ok(()))).await.is_ok()
    }

    fn breaker(clock: &ManualClock) -> Breaker {
        Breaker::new("a store", Arc::new(clock.clone()))
    }

    #[tokio::test]
    async fn requests_are_suspended_until_one_trial_succeeds() {
        let clock = ManualClock::new(0);
        let breaker = breaker(&clock);
        for _ in 1..FAILURES_TO_OPEN {
            fail(&breaker).await;
        }
        // A single success resets the number of failures.
        assert!(is_asked(&breaker).await);
        for _ in 0..FAILURES_TO_OPEN {
            fail(&breaker).await;
        }
        assert!(!is_asked(&breaker).await);
        clock.advance(FIRST_PAUSE);
        // Only one caller may try. After a failed trial the pause is longer.
        fail(&breaker).await;
        clock.advance(FIRST_PAUSE);
        assert!(!is_asked(&breaker).await);
        clock.advance(FIRST_PAUSE);
        assert!(is_asked(&breaker).await);
        assert!(is_asked(&breaker).await);
    }

    #[tokio::test]
    async fn another_caller_tries_after_an_abandoned_trial() {
        let clock = ManualClock::new(0);
        let breaker = breaker(&clock);
        for _ in 0..FAILURES_TO_OPEN {
            fail(&breaker).await;
        }
        clock.advance(FIRST_PAUSE);
        {
            let mut trial = Box::pin(breaker.ask(pending::<Result<(), _>>()));
            assert!(poll!(&mut trial).is_pending());
            assert!(!is_asked(&breaker).await);
        }
        assert!(is_asked(&breaker).await);
    }

    #[tokio::test]
    async fn not_found_and_unauthorized_count_as_answers() {
        let breaker = breaker(&ManualClock::new(0));
        for _ in 0..3 * FAILURES_TO_OPEN {
            let answer: Result<(), _> = breaker.ask(ready(Err(Error::NotFound))).await;
            assert!(matches!(answer, Err(Error::NotFound)));
            let answer: Result<(), _> = breaker.ask(ready(Err(Error::unauthorized("no")))).await;
            assert!(matches!(answer, Err(Error::Unauthorized { .. })));
        }
    }
}

//! A store that does not answer is left alone for a moment: who asks meanwhile learns it at once,
//! in place of waiting as long as a store may take, and it is not run over when it comes back.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;

use crate::{Clock, Error, Moment};

/// So many failures in a row, each after the tries of whoever owns them, are no chance.
const FAILURES: u32 = 5;
/// How long nobody asks then; twice as long each time that the one who does is not answered.
const REST: Duration = Duration::from_millis(500);
const LONGEST_REST: Duration = Duration::from_secs(4);

/// Whether a store is asked.
pub(super) struct Breaker {
    name: &'static str,
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    failures: u32,
    /// Until when nobody asks, and how long that was.
    rest: Option<(Moment, Duration)>,
    /// Somebody tries whether it is back.
    is_tried: bool,
}

/// Who may ask.
struct Pass<'a> {
    breaker: &'a Breaker,
    is_trial: bool,
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        // Whoever tried went away without an answer: somebody else is to.
        if self.is_trial {
            self.breaker.state.lock().is_tried = false;
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

    /// Asks, unless the store is left alone.
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
            && (state.is_tried || self.clock.now() < until)
        {
            let left_alone = format!("{} did not answer and is left alone", self.name);
            return Err(Error::unavailable(left_alone));
        }
        state.is_tried = is_trial;
        Ok(Pass {
            breaker: self,
            is_trial,
        })
    }

    fn note(&self, pass: &Pass<'_>, failed: bool) {
        let mut state = self.state.lock();
        if !failed {
            if state.rest.take().is_some() {
                tracing::info!(store = self.name, "it answers again");
            }
            state.failures = 0;
            return;
        }
        state.failures += 1;
        let rest = match state.rest {
            // Of those who asked before.
            Some(_) if !pass.is_trial => return,
            Some((_, rest)) => (rest * 2).min(LONGEST_REST),
            None if state.failures >= FAILURES => {
                tracing::warn!(store = self.name, "it does not answer and is left alone");
                REST
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
    async fn a_store_that_does_not_answer_is_left_alone_until_one_trial_succeeds() {
        let clock = ManualClock::new(0);
        let breaker = breaker(&clock);
        for _ in 1..FAILURES {
            fail(&breaker).await;
        }
        // One answer in between, and nothing is wrong.
        assert!(is_asked(&breaker).await);
        for _ in 0..FAILURES {
            fail(&breaker).await;
        }
        assert!(!is_asked(&breaker).await);
        clock.advance(REST);
        // Only one tries; when it fails, the rest is longer.
        fail(&breaker).await;
        clock.advance(REST);
        assert!(!is_asked(&breaker).await);
        clock.advance(REST);
        assert!(is_asked(&breaker).await);
        assert!(is_asked(&breaker).await);
    }

    #[tokio::test]
    async fn a_trial_that_is_given_up_is_anothers() {
        let clock = ManualClock::new(0);
        let breaker = breaker(&clock);
        for _ in 0..FAILURES {
            fail(&breaker).await;
        }
        clock.advance(REST);
        {
            let mut trial = Box::pin(breaker.ask(pending::<Result<(), _>>()));
            assert!(poll!(&mut trial).is_pending());
            assert!(!is_asked(&breaker).await);
        }
        assert!(is_asked(&breaker).await);
    }

    #[tokio::test]
    async fn what_is_not_there_or_not_allowed_is_an_answer() {
        let breaker = breaker(&ManualClock::new(0));
        for _ in 0..3 * FAILURES {
            let answer: Result<(), _> = breaker.ask(ready(Err(Error::NotFound))).await;
            assert!(matches!(answer, Err(Error::NotFound)));
            let answer: Result<(), _> = breaker.ask(ready(Err(Error::unauthorized("no")))).await;
            assert!(matches!(answer, Err(Error::Unauthorized { .. })));
        }
    }
}

//! Recent answers to questions that cost the stores something. However many requests want an answer, the stores are
//! asked at most every five seconds.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use store::{Clock, Moment};
use tokio::sync::watch;

/// Age up to which an answer is used again.
const FRESH: Duration = Duration::from_secs(5);
/// Time that a request waits for a new answer before it gets the old one; probes give up after a second or more.
const WAIT: Duration = Duration::from_millis(800);

/// The last answer to a question, and when it was given.
pub struct Recent<T> {
    known: watch::Sender<Option<(Moment, T)>>,
    /// Whether the question is being asked now.
    is_asked: Arc<AtomicBool>,
}

/// Guard that marks the question as being asked until it is dropped.
struct Asking(Arc<AtomicBool>);

impl Drop for Asking {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}

impl<T> Default for Recent<T> {
    fn default() -> Self {
        Self {
            known: watch::Sender::new(None),
            is_asked: Arc::default(),
        }
    }
}

impl<T: Clone + Send + Sync + 'static> Recent<T> {
    /// A fresh answer, from memory or by running `ask`. If `ask` takes longer than a probe waits, the previous answer,
    /// or `None` if there is none yet.
    pub async fn get(
        self: &Arc<Self>,
        clock: &Arc<dyn Clock>,
        ask: impl Future<Output = T> + Send + 'static,
    ) -> Option<T> {
        let mut known = self.known.subscribe();
        let last = known.borrow_and_update().clone();
        let is_fresh = |at: Moment| clock.now().since(at) < FRESH;
        if let Some((at, answer)) = last.clone()
            && is_fresh(at)
        {
            return Some(answer);
        }
        if !self.is_asked.swap(true, Ordering::AcqRel) {
            let asking = Asking(self.is_asked.clone());
            let (recent, clock) = (self.clone(), clock.clone());
            tokio::spawn(async move {
                let answer = ask.await;
                recent.known.send_replace(Some((clock.now(), answer)));
                drop(asking);
            });
        }
        tokio::select! {
            // `changed` cannot fail: `self` holds the sender.
            _ = known.changed() => known.borrow().clone().map(|(_, answer)| answer),
            () = clock.sleep(WAIT) => last.map(|(_, answer)| answer),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use store::ManualClock;

    use super::*;

    #[tokio::test]
    async fn many_requests_ask_the_question_once() {
        let clock = ManualClock::new(0);
        let seam: Arc<dyn Clock> = Arc::new(clock.clone());
        let recent = Arc::new(Recent::default());
        assert_eq!(recent.get(&seam, ready(1)).await, Some(1));
        for other in 2..100 {
            assert_eq!(recent.get(&seam, ready(other)).await, Some(1));
        }
        clock.advance(FRESH);
        assert_eq!(recent.get(&seam, ready(100)).await, Some(100));
    }

    #[tokio::test]
    async fn a_question_without_answer_delays_a_request_only_briefly() {
        let clock = ManualClock::new(0);
        let seam: Arc<dyn Clock> = Arc::new(clock.clone());
        let recent = Arc::new(Recent::default());
        assert_eq!(recent.get(&seam, ready(1)).await, Some(1));
        clock.advance(FRESH);
        for _ in 0..3 {
            let mut asked = Box::pin(recent.get(&seam, pending()));
            assert!(futures::poll!(&mut asked).is_pending());
            clock.advance(WAIT);
            assert_eq!(asked.await, Some(1));
        }
    }
}

//! What costs the stores something to tell: asked for at most so often, however many want to know.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use store::{Clock, Moment};
use tokio::sync::watch;

/// How long an answer is good for.
const FRESH: Duration = Duration::from_secs(5);
/// How long somebody waits for a newer one: probes give up after a second or more.
const PATIENCE: Duration = Duration::from_millis(800);

/// The last answer.
pub struct Kept<T> {
    known: watch::Sender<Option<(Moment, T)>>,
    is_asked: Arc<AtomicBool>,
}

/// Somebody asks, until this is dropped.
struct Asking(Arc<AtomicBool>);

impl Drop for Asking {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}

impl<T> Default for Kept<T> {
    fn default() -> Self {
        Self {
            known: watch::Sender::new(None),
            is_asked: Arc::default(),
        }
    }
}

impl<T: Clone + Send + Sync + 'static> Kept<T> {
    /// The answer of `ask`, or the one before where that takes longer than a probe waits; nothing where there is none yet.
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
            let (kept, clock) = (self.clone(), clock.clone());
            tokio::spawn(async move {
                let answer = ask.await;
                kept.known.send_replace(Some((clock.now(), answer)));
                drop(asking);
            });
        }
        tokio::select! {
            // The sender is ours.
            _ = known.changed() => known.borrow().clone().map(|(_, answer)| answer),
            () = clock.sleep(PATIENCE) => last.map(|(_, answer)| answer),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use store::ManualClock;

    use super::*;

    #[tokio::test]
    async fn many_who_want_to_know_ask_once() {
        let clock = ManualClock::new(0);
        let seam: Arc<dyn Clock> = Arc::new(clock.clone());
        let kept = Arc::new(Kept::default());
        assert_eq!(kept.get(&seam, ready(1)).await, Some(1));
        for other in 2..100 {
            assert_eq!(kept.get(&seam, ready(other)).await, Some(1));
        }
        clock.advance(FRESH);
        assert_eq!(kept.get(&seam, ready(100)).await, Some(100));
    }

    #[tokio::test]
    async fn who_does_not_answer_holds_nobody_up() {
        let clock = ManualClock::new(0);
        let seam: Arc<dyn Clock> = Arc::new(clock.clone());
        let kept = Arc::new(Kept::default());
        assert_eq!(kept.get(&seam, ready(1)).await, Some(1));
        clock.advance(FRESH);
        for _ in 0..3 {
            let mut asked = Box::pin(kept.get(&seam, pending()));
            assert!(futures::poll!(&mut asked).is_pending());
            clock.advance(PATIENCE);
            assert_eq!(asked.await, Some(1));
        }
    }
}

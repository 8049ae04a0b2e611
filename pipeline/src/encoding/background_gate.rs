//! When the background may work: while nothing is made for viewers, nor was a moment ago.

use std::sync::{Arc, Weak};
use std::time::Duration;

use parking_lot::Mutex;
use store::{Clock, Moment};
use tokio::sync::watch;

/// Who makes something for viewers, now or lately.
pub(crate) struct BackgroundGate {
    clock: Arc<dyn Clock>,
    /// How long it stays busy after the last of them.
    lull: Duration,
    state: Mutex<State>,
    changed: watch::Sender<()>,
}

#[derive(Default)]
struct State {
    busy: usize,
    /// When it is calm again, unless somebody is busy.
    from: Moment,
}

/// Something is made for viewers, until this is dropped.
pub(crate) struct Busy(Weak<BackgroundGate>);

impl Drop for Busy {
    fn drop(&mut self) {
        if let Some(calm) = self.0.upgrade() {
            let mut state = calm.state.lock();
            state.busy -= 1;
            state.from = calm.clock.now() + calm.lull;
            drop(state);
            calm.changed.send_replace(());
        }
    }
}

impl BackgroundGate {
    pub(crate) fn new(clock: Arc<dyn Clock>, lull: Duration) -> Arc<Self> {
        Arc::new(Self {
            clock,
            lull,
            state: Mutex::default(),
            changed: watch::Sender::new(()),
        })
    }

    pub(crate) fn disturb(self: &Arc<Self>) -> Busy {
        self.state.lock().busy += 1;
        self.changed.send_replace(());
        Busy(Arc::downgrade(self))
    }

    /// When it is calm, as far as can be told.
    fn from(&self) -> Option<Moment> {
        let state = self.state.lock();
        (state.busy == 0).then_some(state.from)
    }

    pub(crate) fn is_calm(&self) -> bool {
        self.from().is_some_and(|from| self.clock.now() >= from)
    }

    /// Ends once it is calm, or is not any more. Safe to drop at any time.
    pub(crate) async fn until(&self, calm: bool) {
        let mut changed = self.changed.subscribe();
        while self.is_calm() != calm {
            let lull_over = async {
                match self.from() {
                    Some(from) if calm => self.clock.sleep_until(from).await,
                    _ => std::future::pending().await,
                }
            };
            tokio::select! {
                // The sender lives as long as this.
                _ = changed.changed() => {}
                () = lull_over => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::poll;
    use store::SystemClock;

    use super::*;

    #[tokio::test]
    async fn it_is_calm_a_while_after_the_last_one_is_done() {
        let clock = Arc::new(SystemClock::new());
        let lull = Duration::from_millis(20);
        let calm = BackgroundGate::new(clock.clone(), lull);
        calm.until(true).await;
        let mut disturbed = Box::pin(calm.until(false));
        assert!(poll!(&mut disturbed).is_pending());
        let busy = [calm.disturb(), calm.disturb()];
        disturbed.await;
        let [one, other] = busy;
        drop(one);
        let mut again = Box::pin(calm.until(true));
        assert!(poll!(&mut again).is_pending());
        let done = clock.now();
        drop(other);
        again.await;
        assert!(clock.now().since(done) >= lull);
    }
}

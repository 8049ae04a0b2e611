//! The gate of the background: open while nothing is made for viewers, and nothing was during the lull before.

use std::sync::{Arc, Weak};
use std::time::Duration;

use parking_lot::Mutex;
use store::{Clock, Moment};
use tokio::sync::watch;

/// Counts what is made for viewers, and says when background work may run.
pub(crate) struct BackgroundGate {
    clock: Arc<dyn Clock>,
    /// How long the gate stays closed after the last work for viewers ended.
    lull: Duration,
    state: Mutex<State>,
    changed: watch::Sender<()>,
}

/// Number of guards that hold the gate closed, and when it opens.
#[derive(Default)]
struct State {
    holders: usize,
    /// When the gate opens, if nobody holds it closed.
    opens_at: Moment,
}

/// Holds the gate closed until it is dropped.
pub(crate) struct GateClosed(Weak<BackgroundGate>);

impl Drop for GateClosed {
    fn drop(&mut self) {
        if let Some(gate) = self.0.upgrade() {
            let mut state = gate.state.lock();
            state.holders -= 1;
            state.opens_at = gate.clock.now() + gate.lull;
            drop(state);
            gate.changed.send_replace(());
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

    /// Closes the gate while the returned guard exists: something is made for viewers.
    pub(crate) fn hold_closed(self: &Arc<Self>) -> GateClosed {
        self.state.lock().holders += 1;
        self.changed.send_replace(());
        GateClosed(Arc::downgrade(self))
    }

    /// When the gate opens, as far as is known; `None` while somebody holds it closed.
    fn opens_at(&self) -> Option<Moment> {
        let state = self.state.lock();
        (state.holders == 0).then_some(state.opens_at)
    }

    /// Whether the gate is open: background work may run.
    pub(crate) fn is_open(&self) -> bool {
        self.opens_at()
            .is_some_and(|opens_at| self.clock.now() >= opens_at)
    }

    /// Waits until the gate is open (`true`) or closed (`false`). Safe to drop at any time.
    pub(crate) async fn until(&self, open: bool) {
        let mut changed = self.changed.subscribe();
        while self.is_open() != open {
            let lull_over = async {
                match self.opens_at() {
                    Some(opens_at) if open => self.clock.sleep_until(opens_at).await,
                    _ => std::future::pending().await,
                }
            };
            tokio::select! {
                // An error is impossible: the gate owns the sender.
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
    async fn the_gate_opens_a_lull_after_the_last_holder_is_done() {
        let clock = Arc::new(SystemClock::new());
        let lull = Duration::from_millis(20);
        let gate = BackgroundGate::new(clock.clone(), lull);
        gate.until(true).await;
        let mut closed = Box::pin(gate.until(false));
        assert!(poll!(&mut closed).is_pending());
        let holders = [gate.hold_closed(), gate.hold_closed()];
        closed.await;
        let [one, other] = holders;
        drop(one);
        let mut again = Box::pin(gate.until(true));
        assert!(poll!(&mut again).is_pending());
        let done = clock.now();
        drop(other);
        again.await;
        assert!(clock.now().since(done) >= lull);
    }
}

//! The tasks of a process: they run beside each other, and are drained and stopped together.

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Everything that runs until the pipeline stops.
#[derive(Default)]
pub(crate) struct Tasks {
    running: TaskTracker,
    /// Work that this worker has taken on; nothing is added once the worker drains.
    in_hand: TaskTracker,
    drains: CancellationToken,
    stop: CancellationToken,
}

impl Tasks {
    /// Runs a task until it is done or the pipeline stops.
    pub(crate) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let stop = self.stop.clone();
        self.running.spawn(async move {
            // A task that is dropped in the middle leaves nothing that a new start does not pick up.
            stop.run_until_cancelled(task).await;
        });
    }

    /// Runs a short task that the pipeline waits for when it stops.
    pub(crate) fn finish(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.running.spawn(task);
    }

    /// Runs work that this worker has taken on, and that it finishes while it drains.
    pub(crate) fn spawn_in_hand(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.spawn(self.in_hand.track_future(task));
    }

    /// Whether no new work is to be taken.
    pub(crate) fn is_draining(&self) -> bool {
        self.drains.is_cancelled()
    }

    /// Waits until no new work is to be taken.
    pub(crate) async fn until_draining(&self) {
        self.drains.cancelled().await;
    }

    /// Has the process take no new work from now on.
    pub(crate) fn drain(&self) {
        self.drains.cancel();
        self.in_hand.close();
    }

    /// Waits until all work that was taken on is done.
    pub(crate) async fn until_drained(&self) {
        self.in_hand.wait().await;
    }

    /// Stops the pipeline: tasks of [`Self::spawn`] are dropped.
    pub(crate) fn stop(&self) {
        self.stop.cancel();
        self.running.close();
    }

    /// Waits until every task has ended.
    pub(crate) async fn until_stopped(&self) {
        self.running.wait().await;
    }
}

//! Announcements of a worker to the other processes: that it is there, and what it can do.

use std::sync::Arc;

use store::work::{ALIVE, Worker, WorkerId};

use crate::config::Config;
use crate::encoding::windows::registry::Windows;
use crate::plans::Plans;
use crate::records::Records;
use crate::tasks::Tasks;

/// This worker, as it announces itself to the others.
pub(crate) struct Presence {
    pub(crate) id: WorkerId,
    pub(crate) records: Arc<Records>,
    pub(crate) config: Arc<Config>,
    pub(crate) plans: Arc<Plans>,
    pub(crate) windows: Arc<Windows>,
    pub(crate) tasks: Arc<Tasks>,
}

impl Presence {
    /// Announces this worker for ever, three times within the time after which others forget it.
    pub(crate) async fn run(self: Arc<Self>) {
        loop {
            self.announce().await;
            self.records.stores.clock.sleep(ALIVE / 3).await;
        }
    }

    /// Announces this worker once.
    pub(crate) async fn announce(&self) {
        if let Err(error) = self.records.stores.work.announce(self.worker()).await {
            tracing::debug!(%error, "this worker could not be announced");
        }
    }

    /// The workers that have announced themselves lately, this one included. Without messages it is this one only.
    pub(crate) async fn workers(&self) -> Vec<Worker> {
        let heard = self.records.stores.work.workers().await;
        let mut workers = heard.unwrap_or_else(|error| {
            tracing::debug!(%error, "workers cannot be listed; this one acts as if it were alone");
            Vec::new()
        });
        if !workers.iter().any(|worker| worker.id == self.id) {
            workers.push(self.worker());
        }
        workers
    }

    fn worker(&self) -> Worker {
        Worker {
            id: self.id,
            cores: self.config.encode_threads,
            memory_bytes: self.config.memory_bytes,
            warm: self.windows.warm_videos(),
            declines: self.plans.declined.latest(),
            drains: self.tasks.is_draining(),
        }
    }
}

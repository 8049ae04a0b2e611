//! What a worker says of itself to the others: that it is there, and what it can do.

use std::sync::Arc;

use store::work::{ALIVE, Worker, WorkerId};

use crate::config::Config;
use crate::encoding::windows::registry::Windows;
use crate::plans::Plans;
use crate::records::Records;
use crate::tasks::Tasks;

/// This worker among the others.
pub(crate) struct Presence {
    pub(crate) id: WorkerId,
    pub(crate) records: Arc<Records>,
    pub(crate) config: Arc<Config>,
    pub(crate) plans: Arc<Plans>,
    pub(crate) windows: Arc<Windows>,
    pub(crate) tasks: Arc<Tasks>,
}

impl Presence {
    /// Announces this worker for ever: three times before others forget it.
    pub(crate) async fn run(self: Arc<Self>) {
        loop {
            self.announce().await;
            self.records.stores.clock.sleep(ALIVE / 3).await;
        }
    }

    /// Announces this worker once.
    pub(crate) async fn announce(&self) {
        if let Err(error) = self.records.stores.work.announce(self.worker()).await {
            tracing::debug!(%error, "other workers cannot be told of this one");
        }
    }

    /// The workers that are heard of, and this one: where messages are away it hears of nobody else.
    pub(crate) async fn workers(&self) -> Vec<Worker> {
        let heard = self.records.stores.work.workers().await;
        let mut workers = heard.unwrap_or_else(|error| {
            tracing::debug!(%error, "no other worker is heard of");
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

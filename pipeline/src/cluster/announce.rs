//! A worker says that it is there, and what it can do.

use std::sync::Arc;

use store::work::{ALIVE, Worker, WorkerId};

use crate::inner::Inner;

/// Announces for ever: three times before it is forgotten.
pub(crate) async fn run(inner: Arc<Inner>, id: WorkerId) {
    loop {
        say(&inner, id).await;
        inner.stores.clock.sleep(ALIVE / 3).await;
    }
}

/// Announces once.
pub(crate) async fn say(inner: &Inner, id: WorkerId) {
    if let Err(error) = inner.stores.work.announce(this(inner, id)).await {
        tracing::debug!(%error, "other workers cannot be told of this one");
    }
}

/// Those that are heard of, and this one: where messages are away it hears of nobody.
pub(crate) async fn heard_of(inner: &Inner, id: WorkerId) -> Vec<Worker> {
    let heard = inner.stores.work.workers().await;
    let mut workers = heard.unwrap_or_else(|error| {
        tracing::debug!(%error, "no other worker is heard of");
        Vec::new()
    });
    if !workers.iter().any(|worker| worker.id == id) {
        workers.push(this(inner, id));
    }
    workers
}

fn this(inner: &Inner, id: WorkerId) -> Worker {
    Worker {
        id,
        cores: inner.config.encode_threads,
        memory_bytes: inner.config.memory_bytes,
        warm: inner.windows.warm_videos(),
        declines: inner.plans.declined.latest(),
        drains: inner.tasks.is_draining(),
    }
}

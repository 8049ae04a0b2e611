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
    let worker = Worker {
        id,
        cores: inner.config.encode_threads,
        memory_bytes: inner.config.memory_bytes,
        warm: inner.demands.warm_videos(),
        declines: inner.declined.latest(),
        drains: inner.is_draining(),
    };
    if let Err(error) = inner.stores.work.announce(worker).await {
        tracing::debug!(%error, "other workers cannot be told of this one");
    }
}

//! Events that can be read again after a receiver was away.

use async_trait::async_trait;

use crate::{Error, Event};

/// An event in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoggedEvent {
    /// Its place; grows, with gaps.
    pub seq: u64,
    /// When it was logged, in microseconds since 1970 UTC.
    pub at_us: i64,
    /// What happened.
    pub event: Event,
}

/// The log. Places are never used twice, not after pruning either.
#[async_trait]
pub trait EventLog: Send + Sync {
    /// Adds an event at the end; returns its place.
    async fn append(&self, event: &Event, at_us: i64) -> Result<u64, Error>;

    /// Events after a place, in order; 0 is before the first.
    async fn read_after(&self, seq: u64, limit: u32) -> Result<Vec<LoggedEvent>, Error>;

    /// Forgets what was logged before a time; says how many events.
    async fn prune(&self, before_us: i64) -> Result<u64, Error>;
}

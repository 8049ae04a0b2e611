//! Log of events, which receivers read after they were away.

use async_trait::async_trait;

use crate::{Error, Event};

/// Event in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoggedEvent {
    /// Position of the event. Positions grow, possibly with gaps.
    pub seq: u64,
    /// Time at which the event was logged, in microseconds since 1970 UTC.
    pub at_us: i64,
    /// The logged event.
    pub event: Event,
}

/// Log of events. Positions are never used twice, even after pruning.
#[async_trait]
pub trait EventLog: Send + Sync {
    /// Appends an event and returns its position.
    async fn append(&self, event: &Event, at_us: i64) -> Result<u64, Error>;

    /// Reads at most `limit` events after a position, in order. Position 0 is before the first event.
    async fn read_after(&self, seq: u64, limit: u32) -> Result<Vec<LoggedEvent>, Error>;

    /// Removes events that were logged before a time. Returns their number.
    async fn prune(&self, before_us: i64) -> Result<u64, Error>;
}

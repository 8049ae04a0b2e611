//! Errors of an order to an engine session.

use plan::{Code, RenditionId};
use transcoder::{EngineFailure, StartError};

use crate::records::Records;

/// Reason why an order was not carried out.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SessionError {
    /// The engine reported an error, or ended with one.
    #[error("{0}")]
    Fault(EngineFailure),
    /// The engine was killed, or it ended without an error message.
    #[error("the engine was killed")]
    Unexplained,
    /// Too many engines ended without an error message at this segment.
    #[error("engines keep dying without an error message at segment {0}")]
    Deadly(u32),
    /// The engine declares parameter sets that differ from the stored ones of this rendition, which an encoder of
    /// another version made.
    #[error("rendition {0} was begun by an encoder of another version")]
    Foreign(RenditionId),
    /// No engine can be started.
    #[error(transparent)]
    Start(#[from] StartError),
    /// No turn or no memory became free while the request waited, or other sessions need the memory more.
    #[error("no turn or memory for an engine became free in time")]
    Busy,
    /// A product could not be stored, or a row could not be read.
    #[error("the store failed: {0}")]
    Store(#[from] store::Error),
}

impl SessionError {
    /// Whether the source could not be read. The piece of work itself is then not at fault.
    pub(crate) fn is_unreachable(&self) -> bool {
        matches!(self, Self::Fault(failure) if failure.code == Code::SourceUnreachable)
    }
}

/// Whether the only cause of an error is a store that does not answer or refuses access. The work waits for the store
/// then, and nothing is counted as failed.
pub(crate) async fn is_store_away(records: &Records, error: &SessionError) -> bool {
    match error {
        SessionError::Store(error) => error.is_the_stores(),
        error => error.is_unreachable() && !records.stores.objects_answer().await,
    }
}

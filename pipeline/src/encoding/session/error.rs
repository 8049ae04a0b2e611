//! What keeps an order from being carried out.

use plan::{Code, RenditionId};
use transcoder::{EngineFailure, StartError};

use crate::records::Records;

/// Why an order was not carried out.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SessionError {
    /// By the engine's own doing.
    #[error("{0}")]
    Fault(EngineFailure),
    /// Somebody killed the engine, or it went away without a word.
    #[error("the engine was killed")]
    Unexplained,
    /// Too many engines went away without a word at this segment.
    #[error("engines keep dying at segment {0}")]
    Deadly(u32),
    /// The engine declares other parameter sets than those that this rendition was begun with.
    #[error("{0} was begun by an encoder of another version")]
    Foreign(RenditionId),
    /// No engine can be started.
    #[error(transparent)]
    Start(#[from] StartError),
    /// Neither turn nor memory within the time that anybody waits, or others need them more.
    #[error("too much is being made already")]
    Busy,
    /// What was made could not be stored, or its row not be read.
    #[error("the store: {0}")]
    Store(#[from] store::Error),
}

impl SessionError {
    /// Whether the source could not be read: no fault of what was to be made.
    pub(crate) fn is_unreachable(&self) -> bool {
        matches!(self, Self::Fault(failure) if failure.code == Code::SourceUnreachable)
    }
}

/// Whether an error is but a store's that does not answer or not let us in: it is waited for, and nobody's fault.
pub(crate) async fn is_store_away(records: &Records, error: &SessionError) -> bool {
    match error {
        SessionError::Store(error) => error.is_the_stores(),
        error => error.is_unreachable() && !records.stores.objects_answer().await,
    }
}

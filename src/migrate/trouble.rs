//! Reasons why a video or an object cannot be copied, and which of them stop the whole copy.

use store::{Error, ObjectKey};

/// Reason why a video or an object cannot be copied.
#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    /// Source and target have different bytes under one key. A published object never changes, so one of them is
    /// damaged.
    #[error("the target has other bytes under {}", .0.path())]
    Differs(ObjectKey),
    /// The source lists an object that cannot be found. It was deleted meanwhile, or the source is damaged.
    #[error("the source has lost {}", .0.path())]
    Gone(ObjectKey),
    /// Source and target have both changed the same row since it was copied.
    #[error("{0} was changed in the source and in the target since it was copied")]
    Diverged(&'static str),
    /// A store failed while an object was copied.
    #[error("{} cannot be copied", .0.path())]
    Object(ObjectKey, #[source] Error),
    /// A store failed.
    #[error(transparent)]
    Store(#[from] Error),
    /// A task of the copy panicked.
    #[error(transparent)]
    Task(#[from] tokio::task::JoinError),
}

impl Trouble {
    /// Whether every other video would fail for the same reason, so that the copy has to stop.
    pub const fn stops_copy(&self) -> bool {
        matches!(
            self,
            Self::Store(Error::NoSpace) | Self::Object(_, Error::NoSpace) | Self::Task(_)
        )
    }

    /// Whether other videos may fail for the same reason: the store may be away, or only this object may be on a bad
    /// disk.
    pub const fn may_stop_copy(&self) -> bool {
        matches!(
            self,
            Self::Store(error) | Self::Object(_, error) if error.is_the_stores()
        )
    }
}

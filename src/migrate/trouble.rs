//! Why something is not copied.

use store::{Error, ObjectKey};

/// Why something is not copied.
#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    /// What is published never changes: one of the two is not what was published.
    #[error("{} is there with other bytes", .0.path())]
    Differs(ObjectKey),
    /// Something else deleted it meanwhile, or what is stored is damaged.
    #[error("{} is gone from the source", .0.path())]
    Gone(ObjectKey),
    /// Both have gone on from the same row.
    #[error("{0} was changed on both sides since it was copied")]
    Diverged(&'static str),
    /// A store failed at an object.
    #[error("{}", .0.path())]
    Object(ObjectKey, #[source] Error),
    /// A store failed.
    #[error(transparent)]
    Store(#[from] Error),
    /// A task of ours died.
    #[error(transparent)]
    Task(#[from] tokio::task::JoinError),
}

impl Trouble {
    /// Whether every other video would meet it.
    pub const fn is_everywhere(&self) -> bool {
        matches!(
            self,
            Self::Store(Error::NoSpace) | Self::Object(_, Error::NoSpace) | Self::Task(_)
        )
    }

    /// Whether others may meet it: a store that does not answer, or one object on a bad disk.
    pub const fn may_be_everywhere(&self) -> bool {
        matches!(
            self,
            Self::Store(error) | Self::Object(_, error) if error.is_the_stores()
        )
    }
}

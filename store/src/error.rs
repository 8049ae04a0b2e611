//! Errors that all stores return.

use std::io;

/// Failure of a store, by what the caller can do about it. Details are in `source`, for the log.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no object or row with this name.
    #[error("not found")]
    NotFound,
    /// A compare-and-set failed, or a row with this name exists. The caller reads again and decides anew.
    #[error("changed by another writer in the meantime")]
    Conflict,
    /// The disk or the quota is full. Nothing was stored.
    #[error("the storage is full")]
    NoSpace,
    /// The store did not answer. The operation may or may not have happened.
    #[error("the store did not answer")]
    Unavailable {
        /// Error that the store or its driver reported.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The store is overloaded and refused the request. Nothing was done.
    #[error("the store is overloaded")]
    Overloaded {
        /// Error that the store or its driver reported.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The store denied access: the operator's keys or grants are wrong.
    #[error("the store denied access")]
    Unauthorized {
        /// Error that the store or its driver reported.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The store refused the request and will refuse it again if it is repeated.
    #[error("the store refused the request")]
    Refused {
        /// Error that the store or its driver reported.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Stored data differs from what was written, or a value cannot be stored as a row.
    #[error("stored data is damaged: {what}")]
    Corrupt {
        /// Description of the damage and its place.
        what: String,
    },
}

impl Error {
    /// Creates an [`Error::Unavailable`] with this cause.
    pub fn unavailable(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Unavailable {
            source: source.into(),
        }
    }

    /// Creates an [`Error::Overloaded`] with this cause.
    pub fn overloaded(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Overloaded {
            source: source.into(),
        }
    }

    /// Creates an [`Error::Unauthorized`] with this cause.
    pub fn unauthorized(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Unauthorized {
            source: source.into(),
        }
    }

    /// Creates an [`Error::Refused`] with this cause.
    pub fn refused(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Refused {
            source: source.into(),
        }
    }

    /// Whether the store is unreachable or overloaded, a state that ends without action of an operator.
    pub const fn is_away(&self) -> bool {
        matches!(self, Self::Unavailable { .. } | Self::Overloaded { .. })
    }

    /// Whether the store or its configuration is at fault, and not the request.
    pub const fn is_the_stores(&self) -> bool {
        self.is_away() || matches!(self, Self::Unauthorized { .. } | Self::Refused { .. })
    }

    /// Description of the error in at most two words, for status pages.
    pub const fn in_short(&self) -> &'static str {
        match self {
            Self::Overloaded { .. } => "overloaded",
            Self::Unauthorized { .. } => "not allowed",
            Self::Refused { .. } => "refused",
            Self::Corrupt { .. } => "damaged",
            Self::NoSpace => "no space",
            Self::NotFound | Self::Conflict | Self::Unavailable { .. } => "no answer",
        }
    }

    /// Creates an [`Error::Corrupt`] with this description.
    pub fn corrupt(what: impl Into<String>) -> Self {
        Self::Corrupt { what: what.into() }
    }
}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::NotFound => Self::NotFound,
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::NoSpace,
            _ => Self::unavailable(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_reported_as_no_space() {
        for errno in [nix::libc::ENOSPC, nix::libc::EDQUOT] {
            assert!(matches!(
                Error::from(io::Error::from_raw_os_error(errno)),
                Error::NoSpace
            ));
        }
    }
}

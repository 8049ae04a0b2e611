//! What can go wrong in any store.

use std::io;

/// What a caller can act upon; the rest is in `source`, for the log.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No object or row of that name.
    #[error("not found")]
    NotFound,
    /// A compare-and-set lost, or a row of that name exists: read again and decide anew.
    #[error("changed by somebody else meanwhile")]
    Conflict,
    /// The disk or the quota is full. Nothing was stored.
    #[error("no space left where data is stored")]
    NoSpace,
    /// The store did not answer. The operation may or may not have happened.
    #[error("the store did not answer")]
    Unavailable {
        /// What the store said.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The store is there and asks for less. Nothing was done.
    #[error("the store has too much to do")]
    Overloaded {
        /// What the store said.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The store does not let us do this: the operator's keys or grants are wrong.
    #[error("the store does not allow it")]
    Unauthorized {
        /// What the store said.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The store does not take the request as it is, however often it is sent.
    #[error("the store refused the request")]
    Refused {
        /// What the store said.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// What is stored is not what was written, or cannot be expressed as a row.
    #[error("what is stored is damaged: {what}")]
    Corrupt {
        /// What, and where.
        what: String,
    },
}

impl Error {
    /// The store did not answer, because of `source`.
    pub fn unavailable(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Unavailable {
            source: source.into(),
        }
    }

    /// The store asks for less, because of `source`.
    pub fn overloaded(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Overloaded {
            source: source.into(),
        }
    }

    /// The store does not allow it, because of `source`.
    pub fn unauthorized(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Unauthorized {
            source: source.into(),
        }
    }

    /// The store refused the request, because of `source`.
    pub fn refused(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Refused {
            source: source.into(),
        }
    }

    /// Whether the store is away or wants to be left alone, and comes back by itself.
    pub const fn is_away(&self) -> bool {
        matches!(self, Self::Unavailable { .. } | Self::Overloaded { .. })
    }

    /// Whether it is the store's trouble or its operator's, and not that of what was asked for.
    pub const fn is_the_stores(&self) -> bool {
        self.is_away() || matches!(self, Self::Unauthorized { .. } | Self::Refused { .. })
    }

    /// In two words at most, for who looks how a store is.
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

    /// Something stored is damaged.
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
    fn a_full_disk_is_no_space() {
        for errno in [nix::libc::ENOSPC, nix::libc::EDQUOT] {
            assert!(matches!(
                Error::from(io::Error::from_raw_os_error(errno)),
                Error::NoSpace
            ));
        }
    }
}

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

//! Where a keyspace is, and why it cannot be used.

use std::fmt;

/// Where a keyspace is.
#[derive(Clone, Debug)]
pub struct Cql {
    /// Some nodes of the cluster, `host` or `host:port`; the others are learnt from them.
    pub nodes: Vec<String>,
    /// Its name. It is there already: how it is replicated is the operator's business.
    pub keyspace: String,
    /// Whose name and password let us in; none where everybody is.
    pub access: Option<Access>,
    /// Whose nodes are asked first; any, where it is not said.
    pub datacenter: Option<String>,
}

/// A name and a password.
#[derive(Clone)]
pub struct Access {
    /// The name.
    pub user: String,
    /// The password.
    pub password: String,
}

impl fmt::Debug for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Access");
        shown.field("user", &self.user).finish_non_exhaustive()
    }
}

/// Why a keyspace cannot be used; each message says what to do.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// No answer, no such keyspace, or not let in.
    #[error("the keyspace {keyspace} on {nodes} cannot be used: {reason}")]
    Unusable {
        /// Which.
        keyspace: String,
        /// Where.
        nodes: String,
        /// What the cluster said.
        reason: String,
    },
    /// Its tables are not those of this program.
    #[error(
        "the keyspace {keyspace} has schema version {found}, and this program knows {known}: {}",
        if found < known { "`reelmill schema` brings it up to date" } else { "use a newer reelmill" }
    )]
    Version {
        /// Which.
        keyspace: String,
        /// Its version; 0 where it has no tables.
        found: i32,
        /// Ours.
        known: i32,
    },
}

impl Cql {
    pub(super) fn unusable(&self, reason: impl fmt::Display) -> OpenError {
        OpenError::Unusable {
            keyspace: self.keyspace.clone(),
            nodes: self.nodes.join(", "),
            reason: reason.to_string(),
        }
    }
}

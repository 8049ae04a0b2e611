//! Settings of a keyspace, and the reasons why it cannot be used.

use std::fmt;

/// Address and name of a keyspace.
#[derive(Clone, Debug)]
pub struct Cql {
    /// Some nodes of the cluster as `host` or `host:port`. The driver discovers the others.
    pub nodes: Vec<String>,
    /// Name of the keyspace. It must exist, since the operator decides how it is replicated.
    pub keyspace: String,
    /// Credentials; `None` if the cluster needs none.
    pub access: Option<Access>,
    /// Data center whose nodes are preferred; `None` for any.
    pub datacenter: Option<String>,
}

/// User name and password.
#[derive(Clone)]
pub struct Access {
    /// User name.
    pub user: String,
    /// Password.
    pub password: String,
}

impl fmt::Debug for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Access");
        shown.field("user", &self.user).finish_non_exhaustive()
    }
}

/// Reason why a keyspace cannot be used. Each message says what to do.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The cluster does not answer, denies access or has no such keyspace.
    #[error("the keyspace {keyspace} on {nodes} cannot be used: {reason}")]
    Unusable {
        /// Name of the keyspace.
        keyspace: String,
        /// Nodes of the cluster.
        nodes: String,
        /// Reason that the cluster or the driver gave.
        reason: String,
    },
    /// The keyspace has another schema version than this program.
    #[error(
        "the keyspace {keyspace} has schema version {found}, and this program knows {known}: {}",
        if found < known { "`reelmill schema` brings it up to date" } else { "use a newer reelmill" }
    )]
    Version {
        /// Name of the keyspace.
        keyspace: String,
        /// Schema version of the keyspace; 0 if it has no tables.
        found: i32,
        /// Schema version that this program knows.
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

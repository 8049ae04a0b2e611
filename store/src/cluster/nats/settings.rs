//! Settings of a NATS server, and the reasons why it cannot be used.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

/// Address, credentials and use of a NATS server.
#[derive(Clone)]
pub struct Nats {
    /// Some servers of the cluster as `host:port`, optionally after `nats://` or `tls://`. The client discovers the
    /// others.
    pub servers: Vec<String>,
    /// Prefix of all subjects: letters, digits, `-` and `_`. Processes with the same prefix work together; those with
    /// another prefix are separate.
    pub prefix: String,
    /// Credentials. They must permit to publish to `{prefix}.>`, `$JS.API.>` and `$JS.ACK.>`, and to subscribe to
    /// `{prefix}.>`.
    pub access: Access,
    /// File of root certificates (PEM) that replace those of the operating system.
    pub authorities: Option<PathBuf>,
    /// Number of servers that store the chunks. With one, background work stops while that server is down.
    pub replicas: usize,
    /// Time after which a chunk is handed out again if its worker sends no sign of life.
    pub silence: Duration,
}

impl Nats {
    /// Creates settings for servers without access control.
    pub fn new(servers: Vec<String>) -> Self {
        Self {
            servers,
            prefix: "reelmill".to_owned(),
            access: Access::Open,
            authorities: None,
            replicas: 1,
            silence: Duration::from_secs(30),
        }
    }

    /// Addresses of the servers for messages and logs, without secrets that they may contain.
    pub(super) fn shown_servers(&self) -> String {
        let shown = self.servers.iter().map(|server| {
            let (scheme, rest) = server.split_once("://").unwrap_or(("nats", server));
            let host = rest.rsplit_once('@').map_or(rest, |(_, host)| host);
            format!("{scheme}://{host}")
        });
        shown.collect::<Vec<_>>().join(", ")
    }

    pub(in crate::cluster) fn unusable(&self, reason: impl fmt::Display) -> OpenError {
        OpenError::Unusable {
            servers: self.shown_servers(),
            reason: reason.to_string(),
        }
    }
}

impl fmt::Debug for Nats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Nats")
            .field("servers", &self.shown_servers())
            .field("prefix", &self.prefix)
            .field("access", &self.access)
            .field("authorities", &self.authorities)
            .field("replicas", &self.replicas)
            .field("silence", &self.silence)
            .finish()
    }
}

/// Credentials for a server.
#[derive(Clone)]
pub enum Access {
    /// The server needs no credentials.
    Open,
    /// Token.
    Token(String),
    /// User name and password.
    Password {
        /// User name.
        user: String,
        /// Password.
        password: String,
    },
    /// File of credentials as `nsc` writes it.
    Credentials(PathBuf),
}

impl fmt::Debug for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Open => f.write_str("Open"),
            Self::Token(_) => f.debug_struct("Token").finish_non_exhaustive(),
            Self::Password { user, .. } => {
                let mut shown = f.debug_struct("Password");
                shown.field("user", user).finish_non_exhaustive()
            }
            Self::Credentials(file) => f.debug_tuple("Credentials").field(file).finish(),
        }
    }
}

/// Reason why a server cannot be used. Each message says what to do.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The server does not answer or denies access.
    #[error("NATS at {servers} cannot be used: {reason}")]
    Unusable {
        /// Addresses of the servers.
        servers: String,
        /// Reason that the server or the client gave.
        reason: String,
    },
    /// The prefix contains characters that would change the structure of subjects.
    #[error("{prefix:?} is not a valid prefix of subjects: use letters, digits, - and _")]
    Prefix {
        /// Prefix from the settings.
        prefix: String,
    },
    /// An address contains credentials. They would appear in logs.
    #[error(
        "an address of NATS at {servers} contains a name or a password: use the separate settings for them"
    )]
    SecretInAddress {
        /// Addresses of the servers.
        servers: String,
    },
    /// The file of credentials cannot be read.
    #[error("the credentials in {} cannot be used: {source}", file.display())]
    Credentials {
        /// Path of the file.
        file: PathBuf,
        /// Error of the file system.
        #[source]
        source: std::io::Error,
    },
    /// The server is too old: it accepts settings that it does not know, and ignores them.
    #[error(
        "NATS at {servers} has version {found}, which lacks features that are needed: \
         update it to {needed} or later"
    )]
    TooOld {
        /// Addresses of the servers.
        servers: String,
        /// Version of the server.
        found: String,
        /// Oldest version that is supported.
        needed: String,
    },
    /// The server has no JetStream: it only passes messages on.
    #[error(
        "NATS at {servers} has no JetStream: start the server with -js, or permit JetStream to the account"
    )]
    NoJetStream {
        /// Addresses of the servers.
        servers: String,
    },
    /// The stream of chunks has other settings than needed.
    #[error(
        "the stream {stream} cannot get the settings that are needed ({what}): delete it if it exists, \
         and it is created again"
    )]
    Stream {
        /// Name of the stream.
        stream: String,
        /// Description of the difference.
        what: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_not_shown() {
        let mut settings = Nats::new(vec!["tls://me:secret@host:4222".into(), "other".into()]);
        let show = |settings: &Nats| format!("{settings:?} {}", settings.unusable("no answer"));
        for access in [
            Access::Open,
            Access::Token("secret".into()),
            Access::Password {
                user: "me".into(),
                password: "secret".into(),
            },
        ] {
            settings.access = access;
            let shown = show(&settings);
            assert!(!shown.contains("secret"), "{shown}");
            assert!(shown.contains("tls://host:4222, nats://other"), "{shown}");
        }
    }
}

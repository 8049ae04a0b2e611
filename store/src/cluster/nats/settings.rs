//! Where a NATS server is, and why it cannot be used.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

/// Where a NATS server is.
#[derive(Clone)]
pub struct Nats {
    /// Some servers of it, `host:port` or with `nats://` or `tls://` before; the others are learnt
    /// from them.
    pub servers: Vec<String>,
    /// With what all our subjects begin: letters, digits, `-` and `_`. Processes of the same
    /// prefix work together, those of another do not see them.
    pub prefix: String,
    /// By what we are let in; to publish to `{prefix}.>`, `$JS.API.>` and `$JS.ACK.>`, and to hear
    /// `{prefix}.>`.
    pub access: Access,
    /// Certificates (PEM) of who may vouch for a server, in place of those that the machine knows.
    pub authorities: Option<PathBuf>,
    /// On how many of the servers the chunks lie; with one, work rests while that one is away.
    pub replicas: usize,
    /// A chunk comes again when its worker was not heard of for so long.
    pub silence: Duration,
}

impl Nats {
    /// Servers that let everybody in.
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

    /// For people: without the secrets that somebody may have put into an address.
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

/// By what a server lets us in.
#[derive(Clone)]
pub enum Access {
    /// It lets everybody in.
    Open,
    /// A token.
    Token(String),
    /// A name and a password.
    Password {
        /// The name.
        user: String,
        /// The password.
        password: String,
    },
    /// A file of credentials, as `nsc` writes it.
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

/// Why a server cannot be used; each message says what to do.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// No answer, or not let in.
    #[error("NATS at {servers} cannot be used: {reason}")]
    Unusable {
        /// Where.
        servers: String,
        /// What the server said.
        reason: String,
    },
    /// It would be a subject of another shape.
    #[error("{prefix:?} cannot begin a subject: use letters, digits, - and _")]
    Prefix {
        /// Which.
        prefix: String,
    },
    /// Secrets in an address end in logs.
    #[error("an address of NATS at {servers} holds a name or a password: give them apart from it")]
    SecretInAddress {
        /// Where.
        servers: String,
    },
    /// The file of credentials cannot be read.
    #[error("the credentials in {} cannot be used: {source}", file.display())]
    Credentials {
        /// Which file.
        file: PathBuf,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// An old server takes settings that it does not know, and does not keep them.
    #[error(
        "NATS at {servers} has version {found}, which does not keep all that is asked of it: \
         update it to {needed} or later"
    )]
    TooOld {
        /// Where.
        servers: String,
        /// Its version.
        found: String,
        /// The oldest that will do.
        needed: String,
    },
    /// It only passes messages on.
    #[error(
        "NATS at {servers} has no JetStream: start it with it (-js), or allow it to our account"
    )]
    NoJetStream {
        /// Where.
        servers: String,
    },
    /// The stream is not as it must be.
    #[error(
        "the stream {stream} cannot be as it must ({what}): where it is there, delete it, and it is \
         made anew"
    )]
    Stream {
        /// Which.
        stream: String,
        /// What about it.
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

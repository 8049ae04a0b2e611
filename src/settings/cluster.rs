//! Section `[cluster]` of the settings: addresses and credentials of the S3 bucket, the CQL keyspace and the NATS
//! servers. It is turned into the settings types of the crate `store`.

use std::fmt;
use std::path::PathBuf;

use anyhow::{Result, bail};
use serde::Deserialize;
use store::cluster;
use store::cluster::metadata::Cql;
use store::cluster::nats::{self, Nats};
use store::cluster::objects::S3;

/// Section `[cluster]`: the stores that many machines share; `deploy/reelmill.toml` explains each setting.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cluster {
    /// Section `[cluster.objects]`.
    pub objects: Objects,
    /// Section `[cluster.metadata]`.
    pub metadata: Metadata,
    /// Section `[cluster.messages]`.
    pub messages: Messages,
}

/// Section `[cluster.objects]`: the S3 bucket for sources and media.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Objects {
    /// Name of the bucket, which must exist.
    pub bucket: String,
    /// URL of an S3 server other than AWS.
    pub endpoint: Option<String>,
    /// URL of the same server as browsers reach it; with it, browsers upload straight to the bucket.
    pub public_endpoint: Option<String>,
    /// Region of the bucket.
    #[serde(default = "default_region")]
    pub region: String,
    /// Access key; without it, the credentials of the environment are used.
    pub access_key: Option<String>,
    /// Secret of the access key.
    pub secret_key: Option<Hidden>,
    /// Whether URLs are `host/bucket/key` instead of `bucket.host/key`.
    #[serde(default)]
    pub path_style: bool,
}

/// Section `[cluster.metadata]`: the keyspace of ScyllaDB or Cassandra for the rows of videos, uploads and users.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Metadata {
    /// Addresses of some nodes; the other nodes are discovered through them.
    pub nodes: Vec<String>,
    /// Name of the keyspace.
    #[serde(default = "default_name")]
    pub keyspace: String,
    /// User name, if the nodes ask for one.
    pub user: Option<String>,
    /// Password of the user.
    pub password: Option<Hidden>,
    /// Datacenter whose nodes are asked first.
    pub datacenter: Option<String>,
}

/// Section `[cluster.messages]`: the NATS servers for work and events.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Messages {
    /// URLs of some servers.
    pub servers: Vec<String>,
    /// Prefix of all subjects, so that several installations can share a server.
    #[serde(default = "default_name")]
    pub prefix: String,
    /// Token, if the servers ask for one.
    pub token: Option<Hidden>,
    /// User name, if the servers ask for one.
    pub user: Option<String>,
    /// Password of the user.
    pub password: Option<Hidden>,
    /// Path of a credentials file, if the servers ask for one.
    pub credentials: Option<PathBuf>,
    /// Path of a PEM file with the certificates of the authorities that may sign a server's certificate.
    pub authorities: Option<PathBuf>,
    /// Number of servers that keep a copy of the work queue.
    #[serde(default = "default_replicas")]
    pub replicas: usize,
}

/// A secret in the settings, such as a password. Its `Debug` output does not show it, so that it reaches no log.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Hidden(String);

impl Hidden {
    /// The secret itself, for the server that it is meant for.
    pub fn text(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hidden")
    }
}

fn default_region() -> String {
    "us-east-1".to_owned()
}

/// Default name of the keyspace, and default prefix of the NATS subjects.
fn default_name() -> String {
    "reelmill".to_owned()
}

const fn default_replicas() -> usize {
    1
}

impl Cluster {
    /// Settings in the types of the crate `store`.
    ///
    /// # Errors
    /// Credentials that are incomplete or contradict each other.
    pub fn stores(&self) -> Result<cluster::Settings> {
        Ok(cluster::Settings {
            objects: self.objects.s3()?,
            metadata: self.metadata.cql()?,
            messages: self.messages.nats()?,
        })
    }
}

impl Objects {
    fn s3(&self) -> Result<S3> {
        let access = match (&self.access_key, &self.secret_key) {
            (Some(key), Some(Hidden(secret))) => Some(cluster::objects::Access {
                key: key.clone(),
                secret: secret.clone(),
            }),
            (None, None) => None,
            _ => bail!("[cluster.objects] needs both access_key and secret_key, or neither"),
        };
        Ok(S3 {
            endpoint: self.endpoint.clone(),
            public_endpoint: self.public_endpoint.clone(),
            region: self.region.clone(),
            bucket: self.bucket.clone(),
            access,
            path_style: self.path_style,
        })
    }
}

impl Metadata {
    /// Settings of the keyspace in the type of the crate `store`.
    pub fn cql(&self) -> Result<Cql> {
        let access = match (&self.user, &self.password) {
            (Some(user), Some(Hidden(password))) => Some(cluster::metadata::Access {
                user: user.clone(),
                password: password.clone(),
            }),
            (None, None) => None,
            _ => bail!("[cluster.metadata] needs both user and password, or neither"),
        };
        Ok(Cql {
            nodes: self.nodes.clone(),
            keyspace: self.keyspace.clone(),
            access,
            datacenter: self.datacenter.clone(),
        })
    }
}

impl Messages {
    fn nats(&self) -> Result<Nats> {
        let access = match (&self.token, &self.user, &self.password, &self.credentials) {
            (None, None, None, None) => nats::Access::Open,
            (Some(Hidden(token)), None, None, None) => nats::Access::Token(token.clone()),
            (None, Some(user), Some(Hidden(password)), None) => nats::Access::Password {
                user: user.clone(),
                password: password.clone(),
            },
            (None, None, None, Some(file)) => nats::Access::Credentials(file.clone()),
            _ => {
                bail!(
                    "[cluster.messages] takes only one of: token, user with password, credentials"
                )
            }
        };
        Ok(Nats {
            prefix: self.prefix.clone(),
            access,
            authorities: self.authorities.clone(),
            replicas: self.replicas,
            ..Nats::new(self.servers.clone())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cluster(messages: &str, objects: &str) -> Cluster {
        let text = format!(
            "[objects]\nbucket = 'media'\n{objects}\n[metadata]\nnodes = ['a']\n\
             [messages]\nservers = ['a']\n{messages}"
        );
        toml::from_str(&text).unwrap()
    }

    #[test]
    fn credentials_are_complete_and_of_one_kind_and_are_not_logged() {
        let wrong = [
            ("user = 'me'", ""),
            ("token = 'a'\ncredentials = 'b'", ""),
            ("", "access_key = 'a'"),
        ];
        for (messages, objects) in wrong {
            assert!(cluster(messages, objects).stores().is_err());
        }
        let right = cluster(
            "user = 'me'\npassword = 'secret'",
            "access_key = 'a'\nsecret_key = 'secret'",
        );
        let shown = format!("{right:?} {:?}", right.stores().unwrap());
        assert!(!shown.contains("\"secret\""), "{shown}");
    }
}

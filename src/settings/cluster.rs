//! Where the stores of many machines are.

use std::fmt;
use std::path::PathBuf;

use anyhow::{Result, bail};
use serde::Deserialize;
use store::cluster;
use store::cluster::metadata::Cql;
use store::cluster::nats::{self, Nats};
use store::cluster::objects::S3;

/// The stores of many machines; `deploy/reelmill.toml` explains each setting.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cluster {
    pub objects: Objects,
    pub metadata: Metadata,
    pub messages: Messages,
}

/// A bucket.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Objects {
    pub bucket: String,
    pub endpoint: Option<String>,
    pub public_endpoint: Option<String>,
    #[serde(default = "region")]
    pub region: String,
    pub access_key: Option<String>,
    pub secret_key: Option<Hidden>,
    #[serde(default)]
    pub path_style: bool,
}

/// A keyspace.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Metadata {
    pub nodes: Vec<String>,
    #[serde(default = "name")]
    pub keyspace: String,
    pub user: Option<String>,
    pub password: Option<Hidden>,
    pub datacenter: Option<String>,
}

/// NATS.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Messages {
    pub servers: Vec<String>,
    #[serde(default = "name")]
    pub prefix: String,
    pub token: Option<Hidden>,
    pub user: Option<String>,
    pub password: Option<Hidden>,
    pub credentials: Option<PathBuf>,
    pub authorities: Option<PathBuf>,
    #[serde(default = "replicas")]
    pub replicas: usize,
}

/// Something that is in no log.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Hidden(String);

impl Hidden {
    /// For whom it is meant.
    pub fn text(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hidden")
    }
}

fn region() -> String {
    "us-east-1".to_owned()
}

fn name() -> String {
    "reelmill".to_owned()
}

const fn replicas() -> usize {
    1
}

impl Cluster {
    /// As the stores take them.
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
            _ => bail!("access_key and secret_key of [cluster.objects] belong together"),
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
    pub fn cql(&self) -> Result<Cql> {
        let access = match (&self.user, &self.password) {
            (Some(user), Some(Hidden(password))) => Some(cluster::metadata::Access {
                user: user.clone(),
                password: password.clone(),
            }),
            (None, None) => None,
            _ => bail!("user and password of [cluster.metadata] belong together"),
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
                bail!("[cluster.messages] takes one of token, user with password, and credentials")
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
    fn who_is_let_in_is_said_whole_and_in_one_way() {
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

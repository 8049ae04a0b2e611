//! Client of an S3 store: settings, timeouts and a test of the store's features.

use std::time::Duration;

use aws_sdk_s3::Client;
use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_s3::error::DisplayErrorContext;
use aws_sdk_s3::primitives::ByteStream;
use aws_smithy_http_client::tls;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use uuid::Uuid;

use super::failure::{Met, is_lost, is_unknown};

/// Time limit of a connection attempt. A reachable store accepts a connection in much less.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// Time limit of one attempt at a request that concerns many objects.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(25);
/// Time limit of one attempt at a request for one object, in addition to the time for its bytes. A dead machine does
/// not answer, and a player waits only ten seconds for a segment.
const OBJECT_ATTEMPT_TIMEOUT: Duration = Duration::from_secs(4);
/// Lowest assumed speed in bytes per second when a body is sent: 3 Mbit/s.
const SLOWEST_BYTES_PER_SECOND: u32 = 3_000_000 / 8;
/// Time limit of all attempts at a request together.
const OPERATION_TIMEOUT: Duration = Duration::from_secs(60);
/// Largest number of attempts at a request. No other code retries requests to the object store.
const MOST_ATTEMPTS: u32 = 4;

/// Address, name and credentials of a bucket.
#[derive(Clone, Debug)]
pub struct S3 {
    /// URL of the store as `https://host:port`; `None` for AWS.
    pub endpoint: Option<String>,
    /// URL under which uploaders reach the store; `None` if all uploads go through an origin.
    pub public_endpoint: Option<String>,
    /// Region of the bucket. Most stores other than AWS accept any.
    pub region: String,
    /// Name of the bucket. It must exist, since creating buckets is the operator's task.
    pub bucket: String,
    /// Credentials; `None` to take them from the environment (variables, or the role of a machine, container or
    /// service account).
    pub access: Option<Access>,
    /// Whether URLs have the form `host/bucket/key` instead of `bucket.host/key`.
    pub path_style: bool,
}

/// Key pair of an account.
#[derive(Clone)]
pub struct Access {
    /// Public half of the key pair.
    pub key: String,
    /// Secret half of the key pair.
    pub secret: String,
}

impl std::fmt::Debug for Access {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut shown = f.debug_struct("Access");
        shown.field("key", &self.key).finish_non_exhaustive()
    }
}

/// Reason why a bucket cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The store does not answer, denies access or has no such bucket.
    #[error("the bucket {bucket} cannot be used: {reason}")]
    Unusable {
        /// Name of the bucket.
        bucket: String,
        /// Reason that the store or the SDK gave.
        reason: String,
    },
}

/// Creates a client for the endpoint that uploaders use, if it differs from the internal one.
pub(super) async fn connect_to(settings: &S3, endpoint: &str) -> Client {
    let settings = S3 {
        endpoint: Some(endpoint.to_owned()),
        ..settings.clone()
    };
    connect(&settings).await
}

/// Timeouts of a request for one object with a body of this many bytes.
pub(super) fn sending(bytes: usize) -> aws_sdk_s3::config::Builder {
    let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
    let sent = Duration::from_secs(1) * bytes / SLOWEST_BYTES_PER_SECOND;
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .operation_attempt_timeout(OBJECT_ATTEMPT_TIMEOUT + sent)
        .operation_timeout(OPERATION_TIMEOUT)
        .build();
    aws_sdk_s3::Config::builder().timeout_config(timeouts)
}

pub(super) async fn connect(settings: &S3) -> Client {
    let http = aws_smithy_http_client::Builder::new()
        .tls_provider(tls::Provider::Rustls(CryptoMode::Ring))
        .build_https();
    let region = Region::new(settings.region.clone());
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .operation_attempt_timeout(ATTEMPT_TIMEOUT)
        .operation_timeout(OPERATION_TIMEOUT)
        .build();
    let mut config = aws_sdk_s3::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .http_client(http.clone())
        .region(region.clone())
        .force_path_style(settings.path_style)
        .timeout_config(timeouts)
        .retry_config(RetryConfig::standard().with_max_attempts(MOST_ATTEMPTS))
        .retry_classifier(Met);
    config.set_endpoint_url(settings.endpoint.clone());
    if let Some(Access { key, secret }) = &settings.access {
        let known = Credentials::new(key, secret, None, None, "settings");
        config = config.credentials_provider(known);
    } else {
        let found = aws_config::defaults(BehaviorVersion::latest())
            .http_client(http)
            .region(region)
            .load()
            .await;
        config.set_credentials_provider(found.credentials_provider());
    }
    Client::from_conf(config.build())
}

/// Tests whether a store refuses to replace an object if told so.
pub(super) async fn keeps(client: &Client, settings: &S3) -> Result<bool, OpenError> {
    let bucket = &settings.bucket;
    let unusable = |reason: String| OpenError::Unusable {
        bucket: bucket.clone(),
        reason,
    };
    // The key is unique, so that processes that start at the same time do not disturb each other.
    let key = format!("trials/{}", Uuid::now_v7());
    let put = || {
        let body = ByteStream::from_static(b"a trial");
        client.put_object().bucket(bucket).key(&key).body(body)
    };
    let first = put().send().await;
    first.map_err(|error| unusable(DisplayErrorContext(error).to_string()))?;
    let second = put().if_none_match("*").send().await;
    let delete = client.delete_object().bucket(bucket).key(&key);
    let deleted = delete.send().await;
    deleted.map_err(|error| unusable(DisplayErrorContext(error).to_string()))?;
    match second {
        Err(refused) if is_lost(&refused) => Ok(true),
        // The store ignores the condition, or says that it does not support it.
        Ok(_) => Ok(false),
        Err(refused) if is_unknown(&refused) => Ok(false),
        Err(failed) => Err(unusable(DisplayErrorContext(failed).to_string())),
    }
}

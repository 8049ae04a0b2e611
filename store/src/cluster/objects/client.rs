//! How an S3 store is reached, and what it must be able to do.

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

/// A store that is there takes a connection in well under this.
const CONNECT: Duration = Duration::from_secs(3);
/// One try of what is asked of many objects.
const TRY: Duration = Duration::from_secs(25);
/// One try of what is asked of one object, beside the time for its bytes: a machine that is gone
/// says nothing, and whoever waits for a segment waits for ten seconds.
const TRY_OF_ONE: Duration = Duration::from_secs(4);
/// Bytes that are sent in a second at least: 3 Mbit/s.
const SLOWEST: u32 = 3_000_000 / 8;
/// All tries together.
const OPERATION: Duration = Duration::from_secs(60);
/// The one place where a request to the object store is tried again.
const TRIES: u32 = 4;

/// Where a bucket is.
#[derive(Clone, Debug)]
pub struct S3 {
    /// `https://host:port`; none for AWS itself.
    pub endpoint: Option<String>,
    /// As `endpoint`, where senders reach it; none where all uploads go through an origin.
    pub public_endpoint: Option<String>,
    /// Its region; most other stores take any.
    pub region: String,
    /// Its name. It is there already: who may make buckets is the operator's business.
    pub bucket: String,
    /// By what we are let in; none for what the environment has (variables, the role of a
    /// machine, a container or a service account).
    pub access: Option<Access>,
    /// `host/bucket/key` instead of `bucket.host/key`.
    pub path_style: bool,
}

/// A key pair.
#[derive(Clone)]
pub struct Access {
    /// The public half.
    pub key: String,
    /// The secret half.
    pub secret: String,
}

impl std::fmt::Debug for Access {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut shown = f.debug_struct("Access");
        shown.field("key", &self.key).finish_non_exhaustive()
    }
}

/// Why a bucket cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// No answer, no such bucket, or not let in.
    #[error("the bucket {bucket} cannot be used: {reason}")]
    Unusable {
        /// Which.
        bucket: String,
        /// What the store said.
        reason: String,
    },
}

/// A client of the endpoint that senders use, which differs where the store has an inner one.
pub(super) async fn connect_to(settings: &S3, endpoint: &str) -> Client {
    let settings = S3 {
        endpoint: Some(endpoint.to_owned()),
        ..settings.clone()
    };
    connect(&settings).await
}

/// Timeouts of a request for one object, of which so many bytes are sent along.
pub(super) fn sending(bytes: usize) -> aws_sdk_s3::config::Builder {
    let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
    let sent = Duration::from_secs(1) * bytes / SLOWEST;
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(CONNECT)
        .operation_attempt_timeout(TRY_OF_ONE + sent)
        .operation_timeout(OPERATION)
        .build();
    aws_sdk_s3::Config::builder().timeout_config(timeouts)
}

pub(super) async fn connect(settings: &S3) -> Client {
    let http = aws_smithy_http_client::Builder::new()
        .tls_provider(tls::Provider::Rustls(CryptoMode::Ring))
        .build_https();
    let region = Region::new(settings.region.clone());
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(CONNECT)
        .operation_attempt_timeout(TRY)
        .operation_timeout(OPERATION)
        .build();
    let mut config = aws_sdk_s3::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .http_client(http.clone())
        .region(region.clone())
        .force_path_style(settings.path_style)
        .timeout_config(timeouts)
        .retry_config(RetryConfig::standard().with_max_attempts(TRIES))
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

/// Whether a store keeps what is there when told not to replace it: it is tried.
pub(super) async fn keeps(client: &Client, settings: &S3) -> Result<bool, OpenError> {
    let bucket = &settings.bucket;
    let unusable = |reason: String| OpenError::Unusable {
        bucket: bucket.clone(),
        reason,
    };
    // Nobody else's, whoever starts at the same time.
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
        // Either it does not look at the condition, or it says that it does not know it.
        Ok(_) => Ok(false),
        Err(refused) if is_unknown(&refused) => Ok(false),
        Err(failed) => Err(unusable(DisplayErrorContext(failed).to_string())),
    }
}

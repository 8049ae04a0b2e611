//! Buckets for tests.

use std::sync::OnceLock;

use aws_sdk_s3::Client;
use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region};
use store::cluster::objects::{Access, S3};

fn s3_server() -> &'static str {
    static ENDPOINT: OnceLock<String> = OnceLock::new();
    ENDPOINT.get_or_init(|| super::server("s3", "REELMILL_TEST_S3"))
}

pub fn settings(bucket: &str) -> S3 {
    S3 {
        endpoint: Some(s3_server().to_owned()),
        public_endpoint: None,
        region: "us-east-1".to_owned(),
        bucket: bucket.to_owned(),
        access: Some(Access {
            key: "test-access".to_owned(),
            secret: "test-secret-key".to_owned(),
        }),
        path_style: true,
    }
}

/// Client for requests that the store's own code does not send.
pub fn client() -> Client {
    let credentials = Credentials::new("test-access", "test-secret-key", None, None, "tests");
    let config = aws_sdk_s3::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .region(Region::new("us-east-1"))
        .endpoint_url(s3_server())
        .force_path_style(true)
        .credentials_provider(credentials);
    Client::from_conf(config.build())
}

/// Creates a separate bucket for one test.
pub async fn bucket() -> S3 {
    let settings = settings(&format!("test-{}", uuid::Uuid::now_v7()));
    let made = client().create_bucket().bucket(&settings.bucket).send();
    made.await.unwrap();
    settings
}

//! Objects on S3.

use std::sync::OnceLock;

use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region};
use store::cluster::objects::{Access, OpenError, S3, S3Objects};

use super::{contract, server};

fn s3_server() -> &'static str {
    static ENDPOINT: OnceLock<String> = OnceLock::new();
    ENDPOINT.get_or_init(|| server("s3", "REELMILL_TEST_S3"))
}

fn settings(bucket: &str) -> S3 {
    S3 {
        endpoint: Some(s3_server().to_owned()),
        region: "us-east-1".to_owned(),
        bucket: bucket.to_owned(),
        access: Some(Access {
            key: "test-access".to_owned(),
            secret: "test-secret-key".to_owned(),
        }),
        path_style: true,
    }
}

/// A bucket of its own for every test.
async fn bucket() -> S3 {
    let settings = settings(&format!("test-{}", uuid::Uuid::now_v7()));
    let credentials = Credentials::new("test-access", "test-secret-key", None, None, "tests");
    let config = aws_sdk_s3::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .region(Region::new("us-east-1"))
        .endpoint_url(s3_server())
        .force_path_style(true)
        .credentials_provider(credentials);
    let client = aws_sdk_s3::Client::from_conf(config.build());
    let made = client.create_bucket().bucket(&settings.bucket).send().await;
    made.unwrap();
    settings
}

struct House {
    objects: S3Objects,
}

async fn house() -> House {
    House {
        objects: S3Objects::open(&bucket().await).await.unwrap(),
    }
}

objects_hold!(house => &house.objects);

#[tokio::test]
async fn a_bucket_that_cannot_be_used_is_named() {
    let missing = S3Objects::open(&settings("nobody-made-this")).await.err();
    let Some(OpenError::Unusable {
        bucket: name,
        reason,
    }) = missing
    else {
        panic!("{missing:?}");
    };
    assert_eq!(name, "nobody-made-this");
    assert!(reason.contains("NoSuchBucket"), "{reason}");
    let mut locked = bucket().await;
    locked.access = Some(Access {
        key: "test-access".to_owned(),
        secret: "another".to_owned(),
    });
    let refused = S3Objects::open(&locked).await.err().unwrap().to_string();
    assert!(refused.contains("SignatureDoesNotMatch"), "{refused}");
    let mut away = locked;
    away.endpoint = Some("http://127.0.0.1:1".to_owned());
    assert!(matches!(
        S3Objects::open(&away).await,
        Err(OpenError::Unusable { .. })
    ));
}

//! Objects on S3.

use std::sync::OnceLock;
use std::time::Duration;

use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region};
use plan::UploadId;
use store::cluster::objects::{Access, OpenError, S3, S3Objects};
use store::objects::SignedPut;
use store::{ObjectKey, Objects};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{contract, server};

fn s3_server() -> &'static str {
    static ENDPOINT: OnceLock<String> = OnceLock::new();
    ENDPOINT.get_or_init(|| server("s3", "REELMILL_TEST_S3"))
}

fn settings(bucket: &str) -> S3 {
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

/// A bucket of its own for every test.
pub async fn bucket() -> S3 {
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

/// Puts with nothing but what was signed; the status of the answer.
async fn put(signed: &SignedPut, body: &[u8]) -> u16 {
    let (host, path) = signed.url["http://".len()..].split_once('/').unwrap();
    let mut request = format!("PUT /{path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n");
    for (name, value) in &signed.headers {
        request += &format!("{name}: {value}\r\n");
    }
    request += &format!("content-length: {}\r\n\r\n", body.len());
    let mut stream = TcpStream::connect(host).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    // Who is refused is not always listened to until the end.
    let _ = stream.write_all(body).await;
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    let answer = String::from_utf8_lossy(&answer);
    let status = answer.split(' ').nth(1).unwrap();
    status.parse().unwrap()
}

#[tokio::test]
async fn a_signed_put_works_for_its_object_at_its_length_and_once() {
    let mut settings = bucket().await;
    settings.public_endpoint = settings.endpoint.clone();
    let objects = S3Objects::open(&settings).await.unwrap();
    let block = |index| ObjectKey::SourceBlock {
        upload: UploadId::new(),
        index,
    };
    let (key, other) = (block(0), block(1));
    let hour = Duration::from_secs(3600);
    let signed = objects.sign_put(&key, 5, hour).await.unwrap().unwrap();
    assert_eq!(put(&signed, b"longer").await, 403);
    let elsewhere = SignedPut {
        url: signed.url.replace(&key.path(), &other.path()),
        ..signed.clone()
    };
    assert_eq!(put(&elsewhere, b"bytes").await, 403);
    assert_eq!(put(&signed, b"bytes").await, 200);
    assert_eq!(put(&signed, b"again").await, 412);
    let conditionless = SignedPut {
        headers: signed
            .headers
            .iter()
            .filter(|(name, _)| name != "if-none-match")
            .cloned()
            .collect(),
        ..signed
    };
    assert_eq!(put(&conditionless, b"again").await, 403);
    assert_eq!(store::objects::get(&objects, &key).await.unwrap(), "bytes");
    assert_eq!(objects.head(&other).await.unwrap(), None);

    // Nobody is let in where nobody outside reaches the store.
    let inside = S3Objects::open(&bucket().await).await.unwrap();
    assert_eq!(inside.sign_put(&key, 5, hour).await.unwrap(), None);
}

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

//! Tests of objects on S3.

mod faults;

use std::time::Duration;

use aws_sdk_s3::types::{ChecksumAlgorithm, ChecksumMode};
use plan::UploadId;
use store::cluster::objects::{Access, OpenError, S3Objects};
use store::objects::SignedPut;
use store::{Checksum, ObjectKey, Objects};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::contract;
use super::servers::s3::{bucket, client, settings};

struct House {
    objects: S3Objects,
}

async fn house() -> House {
    House {
        objects: S3Objects::open(&bucket().await).await.unwrap(),
    }
}

objects_hold!(house => &house.objects);

/// Sends a signed put without further headers. Returns the status of the answer.
async fn put(signed: &SignedPut, body: &[u8]) -> u16 {
    let (host, path) = signed.url["http://".len()..].split_once('/').unwrap();
    let mut request = format!("PUT /{path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n");
    for (name, value) in &signed.headers {
        request += &format!("{name}: {value}\r\n");
    }
    request += &format!("content-length: {}\r\n\r\n", body.len());
    let mut stream = TcpStream::connect(host).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    // A server that refuses a request may close the connection before the body is sent.
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
    // MinIO answers 400 here.
    let refused = put(&conditionless, b"again").await;
    assert!(matches!(refused, 400 | 403), "{refused}");
    assert_eq!(store::objects::get(&objects, &key).await.unwrap(), "bytes");
    assert_eq!(objects.head(&other).await.unwrap(), None);

    // Without a public endpoint there are no signed requests.
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

/// The store compares the checksum with the bytes that arrive, and returns it without reading the object.
#[tokio::test]
async fn a_stored_object_has_a_checksum_that_the_store_keeps() {
    let settings = bucket().await;
    let objects = S3Objects::open(&settings).await.unwrap();
    let key = |index| contract::sample::block(UploadId::new(), index);
    let (put, once, others) = (key(0), key(1), key(2));
    objects.put(&put, "123456789".into()).await.unwrap();
    objects
        .put_if_absent(&once, "123456789".into())
        .await
        .unwrap();
    for key in [&put, &once] {
        let head = client().head_object().bucket(&settings.bucket);
        let head = head.key(key.path()).checksum_mode(ChecksumMode::Enabled);
        let head = head.send().await.unwrap();
        // The check value of this CRC is 0xcbf43926.
        assert_eq!(head.checksum_crc32(), Some("y/Q5Jg=="));
    }
    // An object that another program stored with another kind of checksum is read to compute the CRC.
    let foreign = client().put_object().bucket(&settings.bucket);
    let foreign = foreign.checksum_algorithm(ChecksumAlgorithm::Sha256);
    let foreign = foreign
        .key(others.path())
        .body(b"123456789".to_vec().into());
    foreign.send().await.unwrap();
    let known = objects.checksum(&others).await.unwrap();
    assert_eq!(known, Some(Checksum::of(b"123456789")));
}

#[tokio::test]
async fn what_does_not_fit_its_checksum_is_refused() {
    let settings = bucket().await;
    let key: ObjectKey = contract::sample::block(UploadId::new(), 0);
    let put = client().put_object().bucket(&settings.bucket);
    let put = put.key(key.path()).checksum_crc32("y/Q5Jg==");
    let refused = put.body(b"123456780".to_vec().into()).send().await;
    assert!(refused.is_err());
    let objects = S3Objects::open(&settings).await.unwrap();
    assert!(objects.head(&key).await.unwrap().is_none());
}

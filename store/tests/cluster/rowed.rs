//! Tests of rows that prevent an object store from replacing objects.

use std::sync::Arc;

use futures::StreamExt;
use plan::VideoId;
use store::cluster::objects::{GuardedObjects, RowedObjects, S3, S3Objects};
use store::objects::get;
use store::{Created, ObjectKey, Objects, Prefix};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::contract;
use super::servers::clock;
use super::servers::cql::{Keyspace, define};
use super::servers::s3::bucket;

struct House {
    objects: RowedObjects,
    keyspace: Arc<Keyspace>,
}

async fn house() -> House {
    let keyspace = Keyspace::shared().await;
    let objects = S3Objects::open(&bucket().await).await.unwrap();
    // This store could refuse to replace objects by itself, but is never told to.
    let objects = GuardedObjects::new(objects, clock());
    House {
        objects: RowedObjects::new(objects, Arc::new(keyspace.open().await)),
        keyspace,
    }
}

objects_hold!(house => &house.objects);

#[tokio::test]
async fn a_publication_interrupted_by_a_crash_is_completed_by_the_next() {
    let house = house().await;
    let (objects, video) = (&house.objects, VideoId::new());
    let key = ObjectKey::Segment(contract::sample::segment(video, 3));
    let staged = ObjectKey::Staged {
        video,
        hash: "abc".to_owned(),
    };
    objects.put(&staged, "first".into()).await.unwrap();
    define(format!(
        "INSERT INTO {}.published (key, hash, size) VALUES ('{}', 'abc', 5)",
        house.keyspace.0.keyspace,
        key.path()
    ))
    .await;
    let next = objects.put_if_absent(&key, "second".into()).await;
    assert_eq!(next.unwrap(), Created::No);
    assert_eq!(get(objects, &key).await.unwrap(), "first");
}

#[tokio::test]
async fn nothing_stays_staged_and_deleted_objects_can_be_put_again() {
    let house = house().await;
    let (objects, video) = (&house.objects, VideoId::new());
    let key = ObjectKey::Segment(contract::sample::segment(video, 3));
    for body in ["one", "two"] {
        objects.put_if_absent(&key, body.into()).await.unwrap();
    }
    let all: Vec<_> = objects
        .list(&Prefix::Video(video))
        .await
        .unwrap()
        .collect()
        .await;
    assert_eq!(all.len(), 1, "{all:?}");
    objects.delete(std::slice::from_ref(&key)).await.unwrap();
    assert_eq!(
        objects.put_if_absent(&key, "two".into()).await.unwrap(),
        Created::Yes
    );
    assert_eq!(get(objects, &key).await.unwrap(), "two");
}

/// Starts a fake store that answers conditional puts with this status, and everything else with success.
async fn store_that_answers(conditional: &'static str) -> S3 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            let (mut head, mut piece) = (Vec::new(), [0; 4096]);
            while !head.windows(4).any(|end| end == b"\r\n\r\n") {
                match client.read(&mut piece).await {
                    Ok(read @ 1..) => head.extend_from_slice(&piece[..read]),
                    _ => break,
                }
            }
            let head = String::from_utf8_lossy(&head).to_lowercase();
            let status = if head.contains("if-none-match") {
                conditional
            } else {
                "200 OK"
            };
            let answer =
                format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
            let _ = client.write_all(answer.as_bytes()).await;
        }
    });
    S3 {
        endpoint: Some(endpoint),
        ..bucket().await
    }
}

#[tokio::test]
async fn missing_features_of_a_store_are_detected_by_a_test() {
    assert!(S3Objects::open(&bucket().await).await.unwrap().keeps());
    for answer in ["200 OK", "501 Not Implemented"] {
        let settings = store_that_answers(answer).await;
        assert!(
            !S3Objects::open(&settings).await.unwrap().keeps(),
            "{answer}"
        );
    }
    let broken = store_that_answers("403 Forbidden").await;
    assert!(S3Objects::open(&broken).await.is_err());
}

//! Tests of objects on S3 with lost and late answers, truncated bodies and servers that stop answering.

use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt;
use store::cluster::objects::{S3, S3Objects};
use store::objects::get;
use store::{Created, Error, ObjectKey, Objects};
use tokio::time::timeout;

use super::super::proxy::Proxy;
use super::*;

/// Time within which a store that stopped answering must be asked again.
const SECONDS: Duration = Duration::from_secs(15);

async fn proxy(settings: &S3) -> (Proxy, S3Objects) {
    let server = settings.endpoint.as_deref().unwrap();
    let proxy = Proxy::start(server.strip_prefix("http://").unwrap().to_owned()).await;
    let behind = S3 {
        endpoint: Some(format!("http://{}", proxy.address())),
        ..settings.clone()
    };
    let objects = S3Objects::open(&behind).await.unwrap();
    (proxy, objects)
}

fn key() -> ObjectKey {
    contract::sample::block(UploadId::new(), 0)
}

fn body(length: usize) -> Bytes {
    (0..length).map(|at| (at % 251) as u8).collect()
}

/// Contracts over a slow network, as to another country at the speed of a telephone line.
mod slow {
    use super::*;

    struct House {
        objects: S3Objects,
        _proxy: Proxy,
    }

    async fn house() -> House {
        let (proxy, objects) = proxy(&bucket().await).await;
        proxy.slow_down(Duration::from_millis(10), 8 << 20);
        House {
            objects,
            _proxy: proxy,
        }
    }

    objects_hold!(house => &house.objects);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_of_several_writers_with_lost_answers_stores_and_no_other_believes_so() {
    let settings = bucket().await;
    let (proxy, behind) = proxy(&settings).await;
    let direct = S3Objects::open(&settings).await.unwrap();
    proxy.lose_every(3);
    let mut unsure = 0;
    for _ in 0..24 {
        let key = key();
        let race = (0..4).map(|racer: u8| {
            let objects = if racer == 0 { &direct } else { &behind };
            objects.put_if_absent(&key, vec![racer; 1000].into())
        });
        let outcomes = futures::future::join_all(race).await;
        let stored = get(&direct, &key).await.unwrap();
        assert_eq!(stored, vec![stored[0]; 1000]);
        for (racer, outcome) in outcomes.into_iter().enumerate() {
            match outcome {
                Ok(Created::Yes) => assert_eq!(racer, usize::from(stored[0])),
                Ok(Created::No) => {}
                Err(Error::Unavailable { .. }) => unsure += 1,
                Err(other) => panic!("{other:?}"),
            }
        }
    }
    assert!(proxy.lost() >= 12, "{}", proxy.lost());
    // Thanks to retries the result is rarely unknown.
    assert!(unsure < 12, "{unsure}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_that_ends_early_is_an_error() {
    let (proxy, objects) = proxy(&bucket().await).await;
    let key = key();
    objects.put(&key, body(4 << 20)).await.unwrap();
    proxy.slow_down(Duration::ZERO, 4 << 20);
    let mut read = objects.read(&key, None).await.unwrap().body;
    let first = read.next().await.unwrap().unwrap();
    assert!(!first.is_empty());
    proxy.cut();
    let rest: Vec<_> = read.collect().await;
    let last = rest.last().expect("the body ended without an error");
    assert!(matches!(last, Err(Error::Unavailable { .. })), "{last:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_that_stops_answering_is_asked_again_in_seconds() {
    let (proxy, objects) = proxy(&bucket().await).await;
    let (there, new) = (key(), key());
    let (segment, objects) = (body(300_000), &objects);
    objects.put(&there, segment.clone()).await.unwrap();
    let ask = |what: u8| {
        let (there, new, segment) = (&there, &new, segment.clone());
        async move {
            match what {
                0 => assert_eq!(get(objects, there).await.unwrap(), segment),
                1 => assert!(objects.head(there).await.unwrap().is_some()),
                2 => drop(objects.put_if_absent(new, segment).await.unwrap()),
                _ => objects.put(new, segment).await.unwrap(),
            }
        }
    };
    for what in 0..4 {
        // The first request opens a connection that the next request uses.
        ask(0).await;
        proxy.fall_silent();
        let answered = timeout(SECONDS, ask(what)).await;
        assert!(answered.is_ok(), "{what} was not asked again");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_that_stops_arriving_is_given_up() {
    let (proxy, objects) = proxy(&bucket().await).await;
    let key = key();
    objects.put(&key, body(4 << 20)).await.unwrap();
    proxy.slow_down(Duration::ZERO, 4 << 20);
    let mut read = objects.read(&key, None).await.unwrap().body;
    read.next().await.unwrap().unwrap();
    proxy.fall_silent();
    let rest = timeout(2 * SECONDS, read.collect::<Vec<_>>()).await;
    let rest = rest.expect("the reader waits forever");
    assert!(matches!(rest.last(), Some(Err(Error::Unavailable { .. }))));
}

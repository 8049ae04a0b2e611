//! Tests of the rows in CQL with lost and late answers, and with nodes that stop answering.

use std::time::Duration;

use plan::VideoId;
use store::cluster::metadata::Cql;
use store::{Error, Metadata};
use tokio::time::timeout;

use super::super::proxy::Proxy;
use super::super::servers::cql::cql_server;
use super::*;

/// Time within which a node that stopped answering must be reached again.
const SECONDS: Duration = Duration::from_secs(15);

async fn behind(keyspace: &Keyspace) -> (Proxy, CqlMetadata) {
    let proxy = Proxy::start(cql_server()).await;
    let behind = Cql {
        nodes: vec![proxy.address().to_string()],
        ..keyspace.0.clone()
    };
    let metadata = CqlMetadata::open(&behind, clock()).await.unwrap();
    (proxy, metadata)
}

/// Contracts over a slow network, as to a server in another country.
mod slow {
    use super::*;

    struct House {
        metadata: CqlMetadata,
        _proxy: Proxy,
        _keyspace: Keyspace,
    }

    async fn house() -> House {
        let keyspace = Keyspace::migrated().await;
        let (proxy, metadata) = behind(&keyspace).await;
        proxy.slow_down(Duration::from_millis(10), 8 << 20);
        House {
            metadata,
            _proxy: proxy,
            _keyspace: keyspace,
        }
    }

    videos_hold!(house => house.metadata.videos());
}

/// One of several answers is lost, with its connection. The statement was carried out or not, but never twice.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_whose_answer_is_lost_happens_once() {
    let keyspace = Keyspace::migrated().await;
    let direct = keyspace.open().await;
    let (proxy, metadata) = behind(&keyspace).await;
    let key = contract::sample::segment(VideoId::new(), 7);

    proxy.lose_every(25);
    let (mut sure, mut unsure) = (0, 0);
    while proxy.lost() < 12 {
        match metadata.tries().record_try(&key).await {
            Ok(_) => sure += 1,
            Err(Error::Unavailable { .. }) => unsure += 1,
            Err(other) => panic!("{other:?}"),
        }
    }
    proxy.lose_every(0);
    let counted = direct.tries().get(&key).await.unwrap().counted;
    let all = sure + unsure;
    assert!((sure..=all).contains(&counted), "{sure} {unsure} {counted}");
    assert!(sure > unsure, "{sure} {unsure}");
}

/// An update of a counter is never sent again, so that it counts once or not at all.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_view_whose_answer_is_lost_is_not_counted_twice() {
    let keyspace = Keyspace::migrated().await;
    let direct = keyspace.open().await;
    let (proxy, metadata) = behind(&keyspace).await;
    let video = VideoId::new();
    // Without a connection an update is refused at once, so the test waits between updates.
    let mut pace = tokio::time::interval(Duration::from_millis(2));
    proxy.lose_every(25);
    let (mut sure, mut refused) = (0, 0);
    while proxy.lost() < 12 {
        pace.tick().await;
        match metadata.views().add(&video, 1).await {
            Ok(_) => sure += 1,
            Err(Error::Unavailable { .. }) => refused += 1,
            Err(other) => panic!("{other:?}"),
        }
    }
    proxy.lose_every(0);
    let counted = direct.views().get(&video).await.unwrap();
    let most = sure + proxy.lost() as u64;
    assert!((sure..=most).contains(&counted), "{sure} {counted} {most}");
    assert!(sure > 0 && refused > 0, "{sure} {refused}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_stops_answering_is_reached_again_in_seconds() {
    let keyspace = Keyspace::migrated().await;
    let (proxy, metadata) = behind(&keyspace).await;
    let key = contract::sample::segment(VideoId::new(), 7);
    for round in 1..=2 {
        proxy.fall_silent();
        let counted = async {
            loop {
                let known = metadata.tries().get(&key).await;
                match known {
                    Ok(known) => return known.counted,
                    Err(Error::Unavailable { .. }) => tokio::task::yield_now().await,
                    Err(other) => panic!("{other:?}"),
                }
            }
        };
        let counted = timeout(SECONDS, counted)
            .await
            .expect("the node is reached again");
        assert!(counted < round);
        metadata.tries().record_try(&key).await.unwrap();
    }
}

//! What a server must be able to do before anything is opened.

use store::cluster::nats::OpenError;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::*;

async fn refused(settings: &Nats) -> OpenError {
    let opened = Connection::open(settings, clock()).await;
    opened.err().expect("it is refused")
}

#[tokio::test]
async fn a_server_that_is_away_is_named() {
    let away = refused(&Nats::new(vec!["127.0.0.1:1".into()])).await;
    assert!(away.to_string().contains("nats://127.0.0.1:1"), "{away}");
}

/// Says what Debian's says, and answers what it is asked before it is used.
#[tokio::test]
async fn a_server_too_old_is_refused() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let old = async {
        let (mut client, _) = listener.accept().await.unwrap();
        let hello = b"INFO {\"version\":\"2.9.10\",\"jetstream\":true,\"headers\":true}\r\n";
        client.write_all(hello).await.unwrap();
        client.read_exact(&mut [0; 1]).await.unwrap();
        client.write_all(b"PONG\r\n").await.unwrap();
        client
    };
    let settings = Nats::new(vec![address]);
    let (_client, refused) = tokio::join!(old, refused(&settings));
    assert!(matches!(refused, OpenError::TooOld { .. }), "{refused}");
    let message = refused.to_string();
    assert!(message.contains("2.9.10") && message.contains("update it"));
}

#[tokio::test]
async fn settings_that_cannot_be_are_refused() {
    let mut settings = Installation::new().0.clone();
    settings.prefix = "two.words".into();
    let prefix = refused(&settings).await;
    assert!(prefix.to_string().contains("two.words"), "{prefix}");

    let mut settings = Installation::new().0.clone();
    settings.servers = vec!["nats://me:secret@127.0.0.1".into()];
    let secret = refused(&settings).await;
    assert!(matches!(secret, OpenError::SecretInAddress { .. }));
    assert!(!secret.to_string().contains("me:secret"), "{secret}");
}

/// As when another reelmill has made it: what can be changed is changed, the rest is named.
#[tokio::test]
async fn a_stream_that_is_not_ours_is_refused() {
    let installation = Installation::new();
    let made = async_nats::jetstream::stream::Config {
        name: installation.stream(),
        subjects: vec![format!("{}.chunk.>", installation.0.prefix)],
        ..Default::default()
    };
    jetstream().await.create_stream(made).await.unwrap();
    let connection = Connection::open(&installation.0, clock()).await.unwrap();
    let refused = NatsWork::open(&connection).await.err().unwrap();
    assert!(matches!(refused, OpenError::Stream { .. }), "{refused}");
    assert!(refused.to_string().contains(&installation.stream()));
}

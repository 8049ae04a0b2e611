//! Tests of the features that a NATS server must have.

use store::cluster::nats::OpenError;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::*;

async fn refused(settings: &Nats) -> OpenError {
    let opened = Connection::open(settings, clock()).await;
    opened.err().expect("the server was accepted")
}

#[tokio::test]
async fn a_server_that_is_away_is_named() {
    let away = refused(&Nats::new(vec!["127.0.0.1:1".into()])).await;
    assert!(away.to_string().contains("nats://127.0.0.1:1"), "{away}");
}

/// A fake server that reports the version of Debian's NATS, and answers what a client asks before it uses a server.
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
async fn invalid_settings_are_refused() {
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

/// A stream with other settings, as another version of reelmill would create it. Settings that can be changed are
/// changed; others are named in the error.
#[tokio::test]
async fn a_stream_with_other_settings_is_refused() {
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

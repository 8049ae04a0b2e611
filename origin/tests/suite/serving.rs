//! Test of the accept loop, over a real socket.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

use crate::house::house;

#[tokio::test]
async fn a_stop_ends_open_event_streams_and_the_server_with_them() {
    let house = house().await;
    let (video, _) = house.video().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let shutdown = async {
        let _ = stopped.await;
    };
    let server = tokio::spawn(origin::serve(listener, None, house.app.clone(), shutdown));
    let mut client = TcpStream::connect(address).await.unwrap();
    let head = format!("GET /events?video={video} HTTP/1.1\r\nHost: {address}\r\n\r\n");
    client.write_all(head.as_bytes()).await.unwrap();
    let mut buffer = [0; 512];
    let read = client.read(&mut buffer).await.unwrap();
    assert!(buffer[..read].starts_with(b"HTTP/1.1 200"));
    stop.send(()).unwrap();
    let ended = tokio::time::timeout(Duration::from_secs(5), server).await;
    ended.expect("in time").unwrap().unwrap();
    assert!(TcpStream::connect(address).await.is_err());
}

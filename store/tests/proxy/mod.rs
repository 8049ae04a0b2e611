//! A server's answers get lost on their way, and connections to it break.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// Stands before a server on loopback.
pub struct Proxy {
    address: SocketAddr,
    state: Arc<State>,
    listener: JoinHandle<()>,
}

#[derive(Default)]
struct State {
    /// One of so many answers is lost; none, where it is 0.
    every: AtomicU32,
    answers: AtomicU32,
    lost: AtomicU32,
    /// Times that all connections were cut.
    cuts: watch::Sender<u32>,
    /// Nobody gets through.
    shut: AtomicBool,
}

impl Proxy {
    /// Before the server at this address.
    pub async fn start(server: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(State::default());
        let shared = state.clone();
        let listener = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                // First: of a cut that comes now this connection must know.
                let cuts = shared.cuts.subscribe();
                if !shared.shut.load(Ordering::SeqCst) {
                    tokio::spawn(pass(client, server, shared.clone(), cuts));
                }
            }
        });
        Self {
            address,
            state,
            listener,
        }
    }

    /// Where it is.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// One of so many answers is lost from now on, and its connection with it.
    pub fn lose_every(&self, answers: u32) {
        self.state.every.store(answers, Ordering::Relaxed);
    }

    /// Every connection breaks; others are let through.
    pub fn cut(&self) {
        self.state.cuts.send_modify(|cuts| *cuts += 1);
    }

    /// Every connection breaks, and nobody gets through until it is opened.
    pub fn shut(&self) {
        self.state.shut.store(true, Ordering::SeqCst);
        self.cut();
    }

    /// Lets through again.
    pub fn open(&self) {
        self.state.shut.store(false, Ordering::SeqCst);
    }

    /// How many were lost.
    pub fn lost(&self) -> u32 {
        self.state.lost.load(Ordering::Relaxed)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.listener.abort();
    }
}

/// Both ways until either end hangs up, or an answer is lost, or all is cut.
async fn pass(client: TcpStream, server: &str, state: Arc<State>, mut cuts: watch::Receiver<u32>) {
    let Ok(server) = TcpStream::connect(server).await else {
        return;
    };
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let ask = async {
        let _ = tokio::io::copy(&mut from_client, &mut to_server).await;
    };
    let answer = async {
        let mut piece = vec![0; 64 << 10];
        while let Ok(length) = from_server.read(&mut piece).await {
            if length == 0 {
                return;
            }
            let number = state.answers.fetch_add(1, Ordering::Relaxed) + 1;
            let every = state.every.load(Ordering::Relaxed);
            if every > 0 && number.is_multiple_of(every) {
                state.lost.fetch_add(1, Ordering::Relaxed);
                return;
            }
            if to_client.write_all(&piece[..length]).await.is_err() {
                return;
            }
        }
    };
    tokio::select! {
        () = ask => {}
        () = answer => {}
        _ = cuts.changed() => {}
    }
}

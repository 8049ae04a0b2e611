//! A server's answers get lost or late on their way, and connections to it break or fall silent.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

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
    /// Microseconds that each answer is late.
    late_us: AtomicU64,
    /// Bytes of answers that a connection passes in a second; any number, where it is 0.
    pace: AtomicU64,
    /// Times that all connections were cut.
    cuts: watch::Sender<u32>,
    /// Times that all connections fell silent.
    silences: watch::Sender<u32>,
    /// Nobody gets through.
    shut: AtomicBool,
}

impl Proxy {
    /// Before the server at this address.
    pub async fn start(server: impl Into<String>) -> Self {
        let server: Arc<str> = server.into().into();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(State::default());
        let shared = state.clone();
        let listener = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                // First: of a cut that comes now this connection must know.
                let troubles = Troubles::of(&shared);
                if !shared.shut.load(Ordering::SeqCst) {
                    tokio::spawn(pass(client, server.clone(), shared.clone(), troubles));
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

    /// Each answer is so late from now on, and no connection passes more bytes a second.
    pub fn slow_down(&self, late: Duration, pace: u64) {
        let late = u64::try_from(late.as_micros()).unwrap();
        self.state.late_us.store(late, Ordering::Relaxed);
        self.state.pace.store(pace, Ordering::Relaxed);
    }

    /// Every connection stays open and passes nothing any more, as when the other machine has
    /// lost its power; others are let through.
    pub fn fall_silent(&self) {
        self.state.silences.send_modify(|silences| *silences += 1);
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

/// What happens to a connection after it was made.
struct Troubles {
    cuts: watch::Receiver<u32>,
    silences: watch::Receiver<u32>,
}

impl Troubles {
    fn of(state: &State) -> Self {
        Self {
            cuts: state.cuts.subscribe(),
            silences: state.silences.subscribe(),
        }
    }

    /// Ends when the connection does.
    async fn wait(mut self, passing: impl Future<Output = ()>) {
        tokio::select! {
            () = passing => {}
            _ = self.cuts.changed() => {}
            _ = self.silences.changed() => {
                // Neither end is told.
                let _ = self.cuts.changed().await;
            }
        }
    }
}

/// Both ways until either end hangs up, or an answer is lost, or all is cut.
async fn pass(client: TcpStream, server: Arc<str>, state: Arc<State>, troubles: Troubles) {
    let Ok(server) = TcpStream::connect(&*server).await else {
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
            if length == 0 || state.loses_this() {
                return;
            }
            state.hold_up(length as u64).await;
            if to_client.write_all(&piece[..length]).await.is_err() {
                return;
            }
        }
    };
    let both = async {
        tokio::select! {
            () = ask => {}
            () = answer => {}
        }
    };
    troubles.wait(both).await;
}

impl State {
    fn loses_this(&self) -> bool {
        let number = self.answers.fetch_add(1, Ordering::Relaxed) + 1;
        let every = self.every.load(Ordering::Relaxed);
        let is_lost = every > 0 && number.is_multiple_of(every);
        self.lost.fetch_add(is_lost.into(), Ordering::Relaxed);
        is_lost
    }

    async fn hold_up(&self, bytes: u64) {
        let late = self.late_us.load(Ordering::Relaxed);
        let pace = self.pace.load(Ordering::Relaxed);
        let passing = (bytes * 1_000_000).checked_div(pace).unwrap_or(0);
        if late + passing > 0 {
            tokio::time::sleep(Duration::from_micros(late + passing)).await;
        }
    }
}

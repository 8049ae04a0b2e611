//! Proxy that makes a server unreliable: answers are lost or late, and connections break or stop passing data.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// Proxy in front of a server on the loopback interface.
pub struct Proxy {
    address: SocketAddr,
    state: Arc<State>,
    listener: JoinHandle<()>,
}

#[derive(Default)]
struct State {
    /// Number of answers of which one is lost; 0 to lose none.
    every: AtomicU32,
    answers: AtomicU32,
    lost: AtomicU32,
    /// Delay of each answer in microseconds.
    late_us: AtomicU64,
    /// Largest number of bytes of answers per second and connection; 0 for no limit.
    pace: AtomicU64,
    /// Number of times that all connections were cut.
    cuts: watch::Sender<u32>,
    /// Number of times that all connections stopped passing data.
    silences: watch::Sender<u32>,
    /// Whether new connections are refused.
    shut: AtomicBool,
}

impl Proxy {
    /// Starts a proxy in front of the server at this address.
    pub async fn start(server: impl Into<String>) -> Self {
        let server: Arc<str> = server.into().into();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(State::default());
        let shared = state.clone();
        let listener = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                // The connection subscribes first, so that it notices a cut that happens at this moment.
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

    /// Address of the proxy.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// From now on one of this many answers is lost, together with its connection.
    pub fn lose_every(&self, answers: u32) {
        self.state.every.store(answers, Ordering::Relaxed);
    }

    /// From now on each answer is delayed, and each connection passes at most `pace` bytes per second.
    pub fn slow_down(&self, late: Duration, pace: u64) {
        let late = u64::try_from(late.as_micros()).unwrap();
        self.state.late_us.store(late, Ordering::Relaxed);
        self.state.pace.store(pace, Ordering::Relaxed);
    }

    /// All connections stay open but pass no more data, as when the other machine loses its power. New connections
    /// work.
    pub fn fall_silent(&self) {
        self.state.silences.send_modify(|silences| *silences += 1);
    }

    /// Breaks all connections. New connections work.
    pub fn cut(&self) {
        self.state.cuts.send_modify(|cuts| *cuts += 1);
    }

    /// Breaks all connections, and refuses new ones until [`Self::open`].
    pub fn shut(&self) {
        self.state.shut.store(true, Ordering::SeqCst);
        self.cut();
    }

    /// Accepts new connections again.
    pub fn open(&self) {
        self.state.shut.store(false, Ordering::SeqCst);
    }

    /// Number of answers that were lost.
    pub fn lost(&self) -> u32 {
        self.state.lost.load(Ordering::Relaxed)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.listener.abort();
    }
}

/// Watches for events that disturb a connection.
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

    /// Passes data until the connection ends, breaks or is cut.
    async fn wait(mut self, passing: impl Future<Output = ()>) {
        tokio::select! {
            () = passing => {}
            _ = self.cuts.changed() => {}
            _ = self.silences.changed() => {
                // Neither end is notified; the connection stays open until the next cut.
                let _ = self.cuts.changed().await;
            }
        }
    }
}

/// Passes data in both directions until either end closes, an answer is lost, or all connections are cut.
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

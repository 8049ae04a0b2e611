//! Tests of work and events on NATS.

mod chunks;
mod demands;
mod faults;
mod opening;

use std::sync::Arc;
use std::time::Duration;

use plan::VideoId;
use store::cluster::events::{BACKLOG, NatsEvents};
use store::cluster::nats::{Connection, Nats};
use store::cluster::work::NatsWork;
use store::work::{ALIVE, Chunk, InHand, Offered, Scope};
use store::{Clock, Event, Events, ManualClock, Work};
use tokio::time::timeout;

use super::contract;
use super::proxy::Proxy;
use super::servers::clock;
use super::servers::nats::{Installation, jetstream, nats_server};

/// Time limit for everything in these tests, longer than any step takes.
const PATIENCE: Duration = Duration::from_secs(20);

async fn proxy() -> Proxy {
    Proxy::start(nats_server().strip_prefix("nats://").unwrap()).await
}

impl Installation {
    /// Opens work and events as one more process of the installation.
    async fn process(&self) -> Process {
        Process::open(&self.0, clock()).await
    }

    async fn process_behind(&self, proxy: &Proxy) -> Process {
        let behind = Nats {
            servers: vec![proxy.address().to_string()],
            ..self.0.clone()
        };
        Process::open(&behind, clock()).await
    }
}

struct Process {
    work: NatsWork,
    events: NatsEvents,
}

impl Process {
    async fn open(settings: &Nats, clock: Arc<dyn Clock>) -> Self {
        let connection = Connection::open(settings, clock).await.unwrap();
        Self {
            work: NatsWork::open(&connection).await.unwrap(),
            events: NatsEvents::new(&connection),
        }
    }

    /// Takes a chunk, and tries again until the server answers.
    async fn take(&self) -> InHand {
        let taken = async {
            loop {
                if let Ok(taken) = self.work.take().await {
                    return taken;
                }
            }
        };
        timeout(PATIENCE, taken).await.expect("no chunk arrived")
    }

    /// Offers a chunk, and tries again until the server answers and an equal chunk is settled.
    async fn offer(&self, chunk: &Chunk) {
        let queued =
            async { while !matches!(self.work.offer(chunk).await, Ok(Offered::Queued)) {} };
        timeout(PATIENCE, queued)
            .await
            .expect("the chunk was not queued");
    }
}

struct House {
    process: Process,
    _installation: Installation,
}

async fn house() -> House {
    let installation = Installation::new();
    House {
        process: installation.process().await,
        _installation: installation,
    }
}

events_hold!(house => &house.process.events);
work_hold!(house => &house.process.work);

fn chunk(index: u32) -> Chunk {
    Chunk {
        video: "video_01h455vb4pex5vsknk084sn02q".parse().unwrap(),
        plan: "0f3c".into(),
        scope: Scope::All,
        index,
    }
}

fn progress(received_bytes: u64) -> Event {
    Event::UploadProgress {
        video: VideoId::new(),
        received_bytes,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_falls_behind_is_told_so() {
    let house = house().await;
    let events = &house.process.events;
    contract::events::who_falls_behind_is_told_so(events, BACKLOG as u64).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_that_cannot_be_parsed_are_ignored() {
    let installation = Installation::new();
    let process = installation.process().await;
    let mut heard = process.events.subscribe().await.unwrap();
    let other = async_nats::connect(nats_server()).await.unwrap();
    for what in ["events", "workers", "demand", "chunk.a.b.c.0"] {
        let subject = format!("{}.{what}", installation.0.prefix);
        other.publish(subject, "{".into()).await.unwrap();
    }
    // After this request the server has processed everything before it.
    let nobody = format!("{}.nobody", installation.0.prefix);
    other.request(nobody, "".into()).await.unwrap_err();
    let event = progress(7);
    process.events.publish(event.clone()).await.unwrap();
    assert_eq!(heard.next().await, store::Received::Event(event));
    process.offer(&chunk(1)).await;
    assert_eq!(process.take().await.chunk(), &chunk(1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_that_was_not_heard_of_for_long_is_gone() {
    let installation = Installation::new();
    let clock = ManualClock::new(1_700_000_000_000_000);
    let process = Process::open(&installation.0, Arc::new(clock.clone())).await;
    contract::work::workers_hear_of_each_other(&process.work).await;
    clock.advance(ALIVE);
    assert!(process.work.workers().await.unwrap().is_empty());
}

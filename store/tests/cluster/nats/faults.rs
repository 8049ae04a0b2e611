//! Tests of work and events with broken connections and servers that lose their memory.

use std::path::Path;
use std::process::Command;

use store::work::{Answer, Demand, Urgency, Viewer, Wanted};
use store::{Error, Received, Subscription};
use tempfile::TempDir;

use super::*;

/// Contracts over a slow network, as to a server in another country.
mod slow {
    use super::*;

    struct House {
        process: Process,
        _proxy: Proxy,
        _installation: Installation,
    }

    async fn house() -> House {
        let installation = Installation::new();
        let proxy = proxy().await;
        let process = installation.process_behind(&proxy).await;
        proxy.slow_down(Duration::from_millis(10), 8 << 20);
        House {
            process,
            _proxy: proxy,
            _installation: installation,
        }
    }

    events_hold!(house => &house.process.events);
    work_hold!(house => &house.process.work);
}

/// Time within which operations without a server must fail.
const SECONDS: Duration = Duration::from_secs(10);

/// Skips events until the subscription reports that some may be lost.
async fn lagged(heard: &mut dyn Subscription) {
    let told = async { while heard.next().await != Received::Lagged {} };
    timeout(PATIENCE, told).await.expect("no loss was reported");
}

fn demand() -> Demand {
    Demand {
        wanted: Wanted::Start(VideoId::new()),
        patience: PATIENCE,
        urgency: Urgency::Waiting,
        viewer: Viewer::default(),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn listeners_learn_of_a_broken_connection_and_continue() {
    let installation = Installation::new();
    let proxy = proxy().await;
    let behind = installation.process_behind(&proxy).await;
    let other = installation.process().await;
    let mut listeners = [
        behind.events.subscribe().await.unwrap(),
        behind.events.subscribe().await.unwrap(),
    ];
    for at in 1..=3 {
        proxy.cut();
        for listener in &mut listeners {
            lagged(&mut **listener).await;
        }
        let event = progress(at);
        other.events.publish(event.clone()).await.unwrap();
        for listener in &mut listeners {
            assert_eq!(listener.next().await, Received::Event(event.clone()));
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_hangs_while_the_server_is_away() {
    let installation = Installation::new();
    let proxy = proxy().await;
    let behind = installation.process_behind(&proxy).await;
    let mut listener = behind.work.listen().await.unwrap();
    proxy.shut();
    let (work, chunk, videos) = (&behind.work, chunk(1), [VideoId::new()]);
    let unavailable = async {
        // Published events are lost silently until the connection is known to be broken.
        while behind.events.publish(progress(1)).await.is_ok() {
            tokio::task::yield_now().await;
        }
        let (took, offered, asked, listened, attended, subscribed) = tokio::join!(
            work.take(),
            work.offer(&chunk),
            work.ask(demand()),
            work.listen(),
            listener.attend(&videos),
            behind.events.subscribe(),
        );
        [
            ("take", took.err()),
            ("offer", offered.err()),
            ("ask", asked.err()),
            ("listen", listened.err()),
            ("attend", attended.err()),
            ("subscribe", subscribed.err()),
        ]
    };
    let errors = timeout(SECONDS, unavailable).await;
    for (what, error) in errors.expect("an operation hung") {
        let is_right = matches!(error, Some(Error::Unavailable { .. }));
        assert!(is_right, "{what}: {error:?}");
    }

    // The listener continues to work after the server is back.
    proxy.open();
    let worker = async {
        let asked = timeout(PATIENCE, listener.next()).await;
        asked.unwrap().unwrap().answer(Answer::Accepted);
    };
    let ask = async {
        loop {
            match work.ask(demand()).await {
                Ok(Answer::Nobody) | Err(_) => tokio::task::yield_now().await,
                Ok(answer) => return answer,
            }
        }
    };
    let (answer, ()) = tokio::join!(timeout(PATIENCE, ask), worker);
    assert_eq!(answer.unwrap(), Answer::Accepted);
    // The offer that failed may have been stored nevertheless.
    let offered = work.offer(&chunk).await.unwrap();
    assert!(matches!(offered, Offered::Queued | Offered::Already));
    assert_eq!(behind.take().await.chunk(), &chunk);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_stops_answering_is_reached_again_in_seconds() {
    let installation = Installation::new();
    let proxy = proxy().await;
    let behind = installation.process_behind(&proxy).await;
    let other = installation.process().await;
    let mut heard = behind.events.subscribe().await.unwrap();
    proxy.fall_silent();
    // Subscribers are told that events may be lost, and workers continue.
    lagged(&mut *heard).await;
    let event = progress(1);
    other.events.publish(event.clone()).await.unwrap();
    assert_eq!(heard.next().await, Received::Event(event));
    goes_on(&behind).await;
}

/// Offers chunks until one arrives at the waiting worker, as a reconciler does.
async fn goes_on(process: &Process) {
    let offer = async {
        for index in 0.. {
            // An offer fails while the connection is restored.
            let _ = process.work.offer(&chunk(index)).await;
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        taken = process.take() => taken.ack(),
        () = offer => {}
    }
}

/// Takes chunks until `wanted` arrives. An earlier chunk is handed out again if its consumer is deleted before the
/// server has received the acknowledgment.
async fn take_past_repeats(process: &Process, wanted: Chunk) -> InHand {
    loop {
        let taken = process.take().await;
        if *taken.chunk() == wanted {
            return taken;
        }
        assert!(taken.chunk().index < wanted.index, "{:?}", taken.chunk());
        taken.ack();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deleted_stream_or_consumer_is_created_again() {
    let installation = Installation::new();
    let process = installation.process().await;
    let jetstream = jetstream().await;
    // First case: the stream is deleted before a chunk is offered.
    jetstream
        .delete_stream(installation.stream())
        .await
        .unwrap();
    let offered = process.work.offer(&chunk(1)).await.unwrap();
    assert_eq!(offered, Offered::Queued);
    process.take().await.ack();
    // Second case: the consumer, and then the stream, is deleted while a worker waits for a chunk.
    let deleted = async {
        tokio::task::yield_now().await;
        let stream = jetstream.get_stream(installation.stream()).await.unwrap();
        stream.delete_consumer("workers").await.unwrap();
        process.offer(&chunk(2)).await;
    };
    let (taken, ()) = tokio::join!(take_past_repeats(&process, chunk(2)), deleted);
    taken.ack();
    let deleted = async {
        tokio::task::yield_now().await;
        jetstream
            .delete_stream(installation.stream())
            .await
            .unwrap();
        while jetstream.get_stream(installation.stream()).await.is_err() {}
        process.offer(&chunk(3)).await;
    };
    let (taken, ()) = tokio::join!(take_past_repeats(&process, chunk(3)), deleted);
    // Third case: the stream is deleted before a worker starts to wait.
    jetstream
        .delete_stream(installation.stream())
        .await
        .unwrap();
    taken.ack();
    goes_on(&process).await;
}

/// Server that only one test uses.
struct Server {
    folder: TempDir,
    address: String,
}

impl Server {
    fn start() -> Self {
        let folder = TempDir::new().unwrap();
        let address = services(&["up", "nats"], folder.path());
        Self { folder, address }
    }

    /// Kills the server, whose memory is lost, and starts it again at the same address.
    fn crash(&self) {
        services(&["kill"], self.folder.path());
        assert_eq!(services(&["up", "nats"], self.folder.path()), self.address);
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        services(&["kill"], self.folder.path());
    }
}

fn services(action: &[&str], folder: &Path) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut command = Command::new(root.join("deploy/services.sh"));
    let done = command.args(action).arg(folder).output().unwrap();
    assert!(done.status.success(), "{done:?}");
    String::from_utf8(done.stdout).unwrap().trim().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn work_and_events_continue_after_a_crash_of_the_server() {
    let server = Server::start();
    let settings = Nats::new(vec![server.address.clone()]);
    let process = Process::open(&settings, clock()).await;
    let mut heard = process.events.subscribe().await.unwrap();
    let mut listener = process.work.listen().await.unwrap();
    for index in 0..3 {
        process.offer(&chunk(index)).await;
    }
    let in_hand = process.take().await;
    server.crash();
    lagged(&mut *heard).await;
    goes_on(&process).await;
    in_hand.ack();

    let event = progress(7);
    process.events.publish(event.clone()).await.unwrap();
    assert_eq!(heard.next().await, Received::Event(event));
    let worker = async { listener.next().await.unwrap().answer(Answer::Stored) };
    let (answer, ()) = tokio::join!(process.work.ask(demand()), worker);
    assert_eq!(answer.unwrap(), Answer::Stored);
}

//! The task behind a session: it answers the engine's reads of the source, carries messages, checks what the engine
//! says, and watches the time.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use plan::{Code, Plan};
use protocol::{Decoder, EngineFailure, Made, PROTOCOL, ToEngine, ToParent};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;
use tokio::time::{Interval, MissedTickBehavior};

use crate::end::End;
use crate::limits::order_time;
use crate::orders::{Orders, Refusal};
use crate::process::Process;
use crate::sandbox::Sandbox;
use crate::session::{Event, SessionEvent};
use crate::source::SourceReader;
use crate::watch::Watch;

/// Most reads that are answered at once: for picture, sound, and their read-ahead. While so many run, no further
/// message is taken from the engine.
const MOST_READS: usize = 8;
/// Most messages that may wait for the socket.
const MOST_WAITING_WRITES: usize = 16;

/// Request of a session's owner.
pub(crate) enum Outgoing {
    Say(ToEngine),
    HangUp,
    Kill,
}

type Outbound = (ToEngine, Bytes);
/// Answer to a read of the engine; none where the source could not be read.
type Answer = Option<Outbound>;
/// Whether the session goes on. `Break` ends the session; without an end in it, the engine has ended by itself.
type Flow = ControlFlow<Option<End>>;

pub(crate) struct Driver {
    process: Process,
    reader: OwnedReadHalf,
    writer: Option<OwnedWriteHalf>,
    source: Arc<dyn SourceReader>,
    size: u64,
    events: mpsc::Sender<Event>,
    /// Space for products that wait for their owner, in units of [`UNIT`] bytes.
    room: Arc<Semaphore>,
    sandbox: Sandbox,
    reads: JoinSet<Answer>,
    /// Whether the engine has sent `Ready`.
    is_ready: bool,
    plan: Option<Arc<Plan>>,
    orders: Orders,
    watch: Watch,
    thread_checks: Interval,
}

/// Most bytes of products that wait for their owner, or one larger product; further products wait in the engine.
const MOST_WAITING_BYTES: usize = 8 << 20;
const UNIT: usize = 4 << 10;
/// Most threads of an engine: SVT-AV1 takes 30 for each rung, x265 ten.
const MOST_THREADS: u32 = 1024;
/// Longest time for which an engine may leave messages to it unread: one of its threads does nothing but read them.
const LONGEST_UNREAD: Duration = Duration::from_secs(30);
/// Interval at which the engine's threads are counted.
const THREAD_CHECK_INTERVAL: Duration = Duration::from_millis(250);

impl Driver {
    pub(crate) fn new(
        process: Process,
        stream: UnixStream,
        source: Arc<dyn SourceReader>,
        size: u64,
        events: mpsc::Sender<Event>,
        sandbox: Sandbox,
    ) -> Self {
        let (reader, writer) = stream.into_split();
        let mut thread_checks = tokio::time::interval(THREAD_CHECK_INTERVAL);
        thread_checks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self {
            process,
            reader,
            writer: Some(writer),
            source,
            size,
            events,
            room: Arc::new(Semaphore::new(MOST_WAITING_BYTES / UNIT)),
            sandbox,
            reads: JoinSet::new(),
            is_ready: false,
            plan: None,
            orders: Orders::default(),
            watch: Watch::default(),
            thread_checks,
        }
    }

    pub(crate) async fn run(mut self, mut outbox: mpsc::Receiver<Outgoing>, open: ToEngine) {
        let (socket, messages) = mpsc::channel(MOST_WAITING_WRITES);
        let writing = self.writer.take().map(|w| tokio::spawn(write(w, messages)));
        let mut flow = self.send(&socket, (open, Bytes::new())).await;
        let mut decoder = Decoder::default();
        let end = loop {
            match flow {
                ControlFlow::Continue(()) => {
                    flow = self.step(&mut outbox, &socket, &mut decoder).await;
                }
                ControlFlow::Break(end) => break end,
            }
        };
        // Dropping the channel hangs up: the writer ends when nobody can send to it any more.
        drop(socket);
        self.reads.abort_all();
        let end = match end {
            Some(end) => {
                self.process.kill().await;
                end
            }
            None => self.process.wait_for_end().await,
        };
        if let Some(writing) = writing {
            writing.abort();
        }
        // The owner may have dropped the session.
        let ended = Event {
            what: SessionEvent::Ended(end),
            _room: None,
        };
        let _ = self.events.send(ended).await;
    }

    async fn step(
        &mut self,
        outbox: &mut mpsc::Receiver<Outgoing>,
        socket: &mpsc::Sender<Outbound>,
        decoder: &mut Decoder,
    ) -> Flow {
        while self.reads.len() < MOST_READS {
            let (header, payload) = self.orders.most_bytes();
            decoder.limit(header, payload);
            match decoder.take::<ToParent>() {
                Ok(Some((message, payload))) => self.take(message, payload).await?,
                Ok(None) => break,
                Err(error) => {
                    tracing::debug!(%error, "a message of the engine cannot be read");
                    return refuse(Refusal::Message);
                }
            }
        }
        tokio::select! {
            outgoing = outbox.recv() => match outgoing {
                Some(Outgoing::Say(message)) => {
                    self.record_sent(&message);
                    self.send(socket, (message, Bytes::new())).await
                }
                // The engine ends when its connection is closed.
                Some(Outgoing::HangUp) => ControlFlow::Break(None),
                // The owner killed or dropped the session, which ends at once.
                Some(Outgoing::Kill) | None => ControlFlow::Break(Some(End::Finished)),
            },
            Some(answer) = self.reads.join_next(), if !self.reads.is_empty() => match answer {
                Ok(Some(answer)) => self.send(socket, answer).await,
                // Demuxers take unreadable bytes for the end of the source, so nothing that this engine makes from
                // now on can be trusted.
                Ok(None) => ControlFlow::Break(Some(source_unreachable())),
                Err(error) => ControlFlow::Break(Some(End::fault(Code::Internal, error.to_string()))),
            },
            read = self.reader.read_buf(decoder.buffer()), if self.reads.len() < MOST_READS => {
                if read.unwrap_or(0) == 0 { ControlFlow::Break(None) } else { ControlFlow::Continue(()) }
            }
            () = self.watch.expired() => ControlFlow::Break(Some(timeout())),
            _ = self.thread_checks.tick() => match self.process.threads() {
                Some(threads) if threads > MOST_THREADS => refuse(Refusal::Threads),
                _ => ControlFlow::Continue(()),
            },
        }
    }

    /// Hands a message to the writer. An engine that does not read its messages runs out of its time.
    async fn send(&mut self, socket: &mpsc::Sender<Outbound>, answer: Outbound) -> Flow {
        tokio::select! {
            sent = socket.send(answer) => match sent {
                Ok(()) => ControlFlow::Continue(()),
                // The socket is broken: the engine has ended.
                Err(_) => ControlFlow::Break(None),
            },
            // The engine does not read its messages, and the owner has dropped the session.
            () = self.events.closed() => ControlFlow::Break(Some(End::Finished)),
            () = self.watch.expired() => ControlFlow::Break(Some(timeout())),
            // The engine's clock stands still while it has no order, so this bound is needed too.
            () = tokio::time::sleep(LONGEST_UNREAD) => ControlFlow::Break(Some(timeout())),
        }
    }

    fn record_sent(&mut self, message: &ToEngine) {
        match message {
            ToEngine::Plan(plan) => self.plan = Some(Arc::new((**plan).clone())),
            ToEngine::Order { order, what } => {
                let allowance = order_time(what, self.plan.as_deref(), self.size);
                self.watch.add_order(allowance);
                self.orders.give(*order, what.clone(), self.plan.clone());
            }
            ToEngine::Hold => self.watch.hold(),
            ToEngine::Resume => self.watch.resume(),
            ToEngine::Abandon { order } => self.orders.abandon(*order),
            ToEngine::Skip { rendition, segment } => self.orders.skip(*rendition, *segment),
            ToEngine::Open { .. } | ToEngine::Bytes { .. } => {}
        }
    }

    async fn take(&mut self, message: ToParent, payload: Bytes) -> Flow {
        if !payload.is_empty() && !matches!(message, ToParent::Made { .. }) {
            return refuse(Refusal::Payload);
        }
        let event = match message {
            ToParent::Ready {
                protocol,
                libraries,
                lacking,
            } => return self.ready(protocol, &libraries, &lacking),
            ToParent::Read {
                read,
                offset,
                length,
            } => return self.read(read, offset, length),
            ToParent::At {
                order,
                rendition,
                segment,
            } => self
                .orders
                .at(order, rendition, segment)
                .map(|()| SessionEvent::At {
                    order,
                    rendition,
                    segment,
                }),
            ToParent::Scanned { percent } => match self.orders.scanned(percent.min(100)) {
                Ok(true) => Ok(SessionEvent::Scanned(percent.min(100))),
                // The percentage is unchanged, so the owner is not told.
                Ok(false) => return ControlFlow::Continue(()),
                Err(refusal) => Err(refusal),
            },
            ToParent::Probed { order, info } => self
                .orders
                .probed(order, &info, self.size)
                .map(|()| SessionEvent::Probed(info)),
            ToParent::Made { order, what } => return self.made(order, what, payload).await,
            ToParent::Done { order } => {
                self.watch.end_order();
                self.orders.done(order).map(|()| SessionEvent::Done(order))
            }
            ToParent::Failed { order, failure } => {
                self.watch.end_order();
                let failure = self.orders.failed(order, failure);
                failure.map(|failure| SessionEvent::Failed(order, failure))
            }
        };
        match event {
            Ok(event) => self.tell(event, 0).await,
            Err(refusal) => refuse(refusal),
        }
    }

    fn ready(&mut self, protocol: u32, libraries: &str, lacking: &[String]) -> Flow {
        if std::mem::replace(&mut self.is_ready, true) {
            return refuse(Refusal::Twice);
        }
        if protocol != PROTOCOL {
            let message = format!(
                "reelmill-engine speaks protocol {protocol}, reelmill {PROTOCOL}: they belong to different versions"
            );
            tracing::error!("{message}");
            return ControlFlow::Break(Some(End::fault(Code::Internal, message)));
        }
        tracing::debug!(%libraries, "engine ready");
        match self.sandbox.permit(lacking) {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => ControlFlow::Break(Some(End::fault(Code::Internal, error.to_string()))),
        }
    }

    fn read(&mut self, read: u32, offset: u64, length: u32) -> Flow {
        let left = self.size.checked_sub(offset).filter(|left| *left > 0);
        let length = match left {
            Some(left) if (1..=LONGEST_READ).contains(&length) => {
                u64::from(length).min(left) as u32
            }
            _ => return refuse(Refusal::Read),
        };
        if !self.watch.record_read(self.size) {
            return refuse(Refusal::IdleReads);
        }
        self.reads
            .spawn(answer(self.source.clone(), read, offset, length));
        ControlFlow::Continue(())
    }

    async fn made(&mut self, order: u32, what: Made, payload: Bytes) -> Flow {
        match self.orders.made(order, &what, &payload) {
            Ok(()) => {
                let units = payload.len().div_ceil(UNIT).min(MOST_WAITING_BYTES / UNIT);
                self.tell(SessionEvent::Made(what, payload), units as u32)
                    .await
            }
            Err(refusal) => refuse(refusal),
        }
    }

    /// Tells the owner an event. The owner may be slow; `units` is the space that the event takes until then.
    async fn tell(&mut self, what: SessionEvent, units: u32) -> Flow {
        self.watch.set_waiting(true);
        let told = async {
            // The semaphore is never closed.
            let room = self.room.clone().acquire_many_owned(units).await.ok();
            self.events.send(Event { what, _room: room }).await
        };
        let sent = told.await;
        self.watch.set_waiting(false);
        match sent {
            Ok(()) => ControlFlow::Continue(()),
            // The owner dropped the session.
            Err(_) => ControlFlow::Break(Some(End::Finished)),
        }
    }
}

/// Ends the session, since the engine said or did something that is refused.
fn refuse(refusal: Refusal) -> Flow {
    tracing::error!(code = refusal.code(), "an engine was stopped: {refusal}");
    ControlFlow::Break(Some(End::Fault(EngineFailure::from(refusal))))
}

fn source_unreachable() -> End {
    End::fault(
        Code::SourceUnreachable,
        "A part of the source could not be read.",
    )
}

fn timeout() -> End {
    End::fault(Code::EngineTimeout, "the engine took too long")
}

/// Most bytes of a read that is answered: engines ask for a quarter of it.
const LONGEST_READ: u32 = 1 << 20;

async fn answer(source: Arc<dyn SourceReader>, read: u32, offset: u64, length: u32) -> Answer {
    match source.read(offset, length).await {
        Ok(bytes) if bytes.len() == length as usize => Some((ToEngine::Bytes { read }, bytes)),
        Ok(bytes) => {
            tracing::warn!(
                offset,
                length,
                read = bytes.len(),
                "the source is shorter than announced"
            );
            None
        }
        Err(error) => {
            tracing::warn!(%error, offset, length, "a read of the source failed");
            None
        }
    }
}

async fn write(mut writer: OwnedWriteHalf, mut messages: mpsc::Receiver<Outbound>) {
    while let Some((message, payload)) = messages.recv().await {
        let frame = match protocol::encode(&message, &payload) {
            Ok(frame) => frame,
            Err(error) => {
                tracing::error!(%error, "a message to the engine cannot be encoded");
                return;
            }
        };
        if writer.write_all(&frame).await.is_err() {
            return;
        }
    }
}

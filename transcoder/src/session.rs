//! One engine process and what is said to it.

use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use plan::{Code, Limits, MediaInfo, Plan, RenditionId};
use protocol::{Budget, Decoder, EngineFailure, Made, Order, SourceBytes, ToEngine, ToParent};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::process::Child;
use tokio::sync::{Semaphore, mpsc};
use tokio::time::Instant;

use crate::engine::{Engine, StartError};
use crate::limits::order_time;
use crate::source::SourceReader;

/// What happens in a session.
#[derive(Debug)]
pub enum SessionEvent {
    /// The engine works at this segment now.
    At {
        /// Of which order.
        order: u32,
        /// Which segment.
        segment: u32,
    },
    /// The probe's answer.
    Probed(Box<MediaInfo>),
    /// Something whole, with its bytes.
    Made(Made, Bytes),
    /// An order is carried out.
    Done(u32),
    /// An order failed; the session goes on.
    Failed(u32, EngineFailure),
    /// The session is over; nothing follows.
    Ended(End),
}

/// How a session ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// It was told to.
    Finished,
    /// By its own doing: a crash, or over a limit of ours. Counts as a try.
    Fault(EngineFailure),
    /// Killed by somebody else: does not count.
    Unexplained,
}

/// Messages that may wait for the engine's socket.
const OUTGOING: usize = 64;
/// Events that may wait for the session's owner; segments in them are held in memory.
const EVENTS: usize = 16;
/// Reads answered at once: picture, sound, and their read-ahead.
const READS: usize = 8;

/// A running engine.
pub struct Session {
    outgoing: mpsc::Sender<Outgoing>,
    events: mpsc::Receiver<SessionEvent>,
    orders: u32,
}

enum Outgoing {
    Say(ToEngine, Bytes),
    Kill,
}

impl Session {
    /// Starts an engine over a source of `size` bytes.
    ///
    /// # Errors
    /// Where the program cannot be started.
    pub fn open(
        engine: &Engine,
        source: Arc<dyn SourceReader>,
        size: u64,
        budget: Budget,
        limits: Limits,
    ) -> Result<Self, StartError> {
        let (child, stream) = engine.spawn()?;
        let (reader, writer) = stream.into_split();
        let (outgoing, outbox) = mpsc::channel(OUTGOING);
        let (sender, events) = mpsc::channel(EVENTS);
        let driver = Driver {
            child,
            reader,
            source,
            size,
            answers: outgoing.downgrade(),
            events: sender,
            reads: Arc::new(Semaphore::new(READS)),
            plan: None,
            watch: Watch::default(),
        };
        tokio::spawn(driver.run(
            outbox,
            writer,
            ToEngine::Open {
                size,
                budget,
                limits,
            },
        ));
        Ok(Self {
            outgoing,
            events,
            orders: 0,
        })
    }

    /// Gives the plan that later orders refer to.
    pub async fn plan(&self, plan: &Plan) {
        self.say(ToEngine::Plan(Box::new(plan.clone()))).await;
    }

    /// Gives an order; its number is in the events it causes.
    pub async fn order(&mut self, what: Order) -> u32 {
        self.orders += 1;
        let order = self.orders;
        self.say(ToEngine::Order { order, what }).await;
        order
    }

    /// A handle for others to hold and resume the session with.
    pub fn brake(&self) -> Brake {
        Brake {
            outgoing: self.outgoing.downgrade(),
        }
    }

    /// Somebody else has made it.
    pub async fn skip(&self, rendition: RenditionId, segment: u32) {
        self.say(ToEngine::Skip { rendition, segment }).await;
    }

    /// The next event; `Ended` is the last.
    pub async fn next(&mut self) -> SessionEvent {
        self.events
            .recv()
            .await
            .unwrap_or(SessionEvent::Ended(End::Finished))
    }

    /// Kills the engine at once.
    pub async fn kill(&self) {
        let _ = self.outgoing.send(Outgoing::Kill).await;
    }

    async fn say(&self, message: ToEngine) {
        // An engine that is gone says so by its `Ended`.
        let _ = self
            .outgoing
            .send(Outgoing::Say(message, Bytes::new()))
            .await;
    }
}

/// Holds and resumes a session from outside.
#[derive(Clone)]
pub struct Brake {
    outgoing: mpsc::WeakSender<Outgoing>,
}

impl Brake {
    /// Stops the engine between two frames; its memory stays.
    pub async fn hold(&self) {
        self.send(ToEngine::Hold).await;
    }

    /// Lets it go on.
    pub async fn resume(&self) {
        self.send(ToEngine::Resume).await;
    }

    async fn send(&self, message: ToEngine) {
        if let Some(outgoing) = self.outgoing.upgrade() {
            let _ = outgoing.send(Outgoing::Say(message, Bytes::new())).await;
        }
    }
}

/// The parent's clock over the engine's orders; stands still while the engine is held.
#[derive(Default)]
struct Watch {
    /// Orders given and not yet answered, each with its allowance.
    waiting: std::collections::VecDeque<Duration>,
    deadline: Option<Instant>,
    held: Option<Instant>,
}

impl Watch {
    fn given(&mut self, allowance: Duration) {
        self.waiting.push_back(allowance);
        if self.waiting.len() == 1 {
            self.deadline = Some(Instant::now() + allowance);
        }
    }

    fn answered(&mut self) {
        self.waiting.pop_front();
        self.deadline = self
            .waiting
            .front()
            .map(|allowance| Instant::now() + *allowance);
    }

    fn hold(&mut self) {
        self.held.get_or_insert_with(Instant::now);
    }

    fn resume(&mut self) {
        if let (Some(since), Some(deadline)) = (self.held.take(), &mut self.deadline) {
            *deadline += since.elapsed();
        }
    }

    /// Ends when the engine has had its time; never while it is held or idle.
    async fn expired(&self) {
        match (self.held, self.deadline) {
            (None, Some(deadline)) => tokio::time::sleep_until(deadline).await,
            _ => std::future::pending().await,
        }
    }
}

struct Driver {
    child: Child,
    reader: OwnedReadHalf,
    source: Arc<dyn SourceReader>,
    size: u64,
    answers: mpsc::WeakSender<Outgoing>,
    events: mpsc::Sender<SessionEvent>,
    reads: Arc<Semaphore>,
    plan: Option<Box<Plan>>,
    watch: Watch,
}

impl Driver {
    async fn run(
        mut self,
        outbox: mpsc::Receiver<Outgoing>,
        writer: OwnedWriteHalf,
        open: ToEngine,
    ) {
        let (to_socket, socket) = mpsc::channel::<(ToEngine, Bytes)>(OUTGOING);
        let writing = tokio::spawn(write(writer, socket));
        let _ = to_socket.send((open, Bytes::new())).await;
        let end = self.drive(outbox, to_socket).await;
        writing.abort();
        let end = match end {
            Some(end) => end,
            None => self.autopsy().await,
        };
        let _ = self.events.send(SessionEvent::Ended(end)).await;
    }

    /// Runs until the session is over; `None` where the engine ended of itself.
    async fn drive(
        &mut self,
        mut outbox: mpsc::Receiver<Outgoing>,
        to_socket: mpsc::Sender<(ToEngine, Bytes)>,
    ) -> Option<End> {
        let mut decoder = Decoder::default();
        loop {
            loop {
                match decoder.take::<ToParent>() {
                    Ok(Some((message, payload))) => self.take(message, payload).await?,
                    Ok(None) => break,
                    Err(error) => {
                        self.end_child().await;
                        return Some(fault(Code::EngineCrashed, error.to_string()));
                    }
                }
            }
            tokio::select! {
                outgoing = outbox.recv() => match outgoing {
                    Some(Outgoing::Say(message, payload)) => {
                        self.notice(&message);
                        if to_socket.send((message, payload)).await.is_err() {
                            return None;
                        }
                    }
                    Some(Outgoing::Kill) => {
                        self.end_child().await;
                        return Some(End::Finished);
                    }
                    // The owner dropped the session: it is over, whatever was going on.
                    None => {
                        self.end_child().await;
                        return Some(End::Finished);
                    }
                },
                read = self.reader.read_buf(decoder.buffer()) => {
                    if read.unwrap_or(0) == 0 {
                        return None;
                    }
                }
                () = self.watch.expired() => {
                    self.end_child().await;
                    return Some(fault(Code::EngineTimeout, "the engine took too long".to_owned()));
                }
            }
        }
    }

    fn notice(&mut self, message: &ToEngine) {
        match message {
            ToEngine::Plan(plan) => self.plan = Some(plan.clone()),
            ToEngine::Order { what, .. } => {
                self.watch
                    .given(order_time(what, self.plan.as_deref(), self.size));
            }
            ToEngine::Hold => self.watch.hold(),
            ToEngine::Resume => self.watch.resume(),
            ToEngine::Open { .. } | ToEngine::Bytes { .. } | ToEngine::Skip { .. } => {}
        }
    }

    async fn take(&mut self, message: ToParent, payload: Bytes) -> Option<()> {
        let event = match message {
            ToParent::Ready { libraries } => {
                tracing::debug!(%libraries, "engine ready");
                return Some(());
            }
            ToParent::Read {
                read,
                offset,
                length,
            } => {
                self.answer(read, offset, length).await;
                return Some(());
            }
            ToParent::At { order, segment, .. } => SessionEvent::At { order, segment },
            ToParent::Probed { info, .. } => SessionEvent::Probed(info),
            ToParent::Made { what, .. } => SessionEvent::Made(what, payload),
            ToParent::Done { order } => {
                self.watch.answered();
                SessionEvent::Done(order)
            }
            ToParent::Failed { order, failure } => {
                self.watch.answered();
                SessionEvent::Failed(order, failure)
            }
        };
        // An owner that is gone ends the session at the next turn.
        let _ = self.events.send(event).await;
        Some(())
    }

    async fn answer(&self, read: u32, offset: u64, length: u32) {
        let Ok(permit) = self.reads.clone().acquire_owned().await else {
            return;
        };
        let (source, answers) = (self.source.clone(), self.answers.clone());
        tokio::spawn(async move {
            let (outcome, bytes) = match source.read(offset, length).await {
                Ok(bytes) => (SourceBytes::Here, bytes),
                Err(error) => {
                    tracing::warn!(%error, offset, length, "a read of the source failed");
                    (SourceBytes::Unreachable, Bytes::new())
                }
            };
            if let Some(answers) = answers.upgrade() {
                let _ = answers
                    .send(Outgoing::Say(ToEngine::Bytes { read, outcome }, bytes))
                    .await;
            }
            drop(permit);
        });
    }

    async fn end_child(&mut self) {
        // Already gone is as good.
        let _ = self.child.start_kill();
        let _ = self.child.wait().await;
    }

    /// Why an engine ended of itself.
    async fn autopsy(&mut self) -> End {
        match self.child.wait().await {
            Ok(status) => explain(status),
            Err(error) => fault(Code::Internal, error.to_string()),
        }
    }
}

fn explain(status: ExitStatus) -> End {
    const SIGKILL: i32 = 9;
    match (status.code(), status.signal()) {
        (Some(0), _) => End::Finished,
        (_, Some(SIGKILL)) => End::Unexplained,
        (_, Some(signal)) => fault(
            Code::EngineCrashed,
            format!("the engine died of signal {signal}"),
        ),
        (code, None) => fault(
            Code::EngineCrashed,
            format!("the engine ended with {code:?}"),
        ),
    }
}

fn fault(code: Code, message: String) -> End {
    End::Fault(EngineFailure { code, message })
}

async fn write(mut writer: OwnedWriteHalf, mut messages: mpsc::Receiver<(ToEngine, Bytes)>) {
    while let Some((message, payload)) = messages.recv().await {
        let frame = match protocol::encode(&message, &payload) {
            Ok(frame) => frame,
            Err(error) => {
                tracing::error!(%error, "a message to the engine cannot be sent");
                return;
            }
        };
        if writer.write_all(&frame).await.is_err() {
            return;
        }
    }
}

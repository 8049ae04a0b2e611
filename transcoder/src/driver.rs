//! The task behind a session: reads answered, messages carried, the clock watched.

use std::ops::ControlFlow;
use std::sync::Arc;

use bytes::Bytes;
use plan::{Code, Plan};
use protocol::{Decoder, PROTOCOL, SourceBytes, ToEngine, ToParent};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::end::End;
use crate::limits::order_time;
use crate::process::Process;
use crate::sandbox::Sandbox;
use crate::session::SessionEvent;
use crate::source::SourceReader;
use crate::watch::Watch;

/// Reads answered at once: picture, sound, and their read-ahead. While so many run, nothing
/// more is taken from the engine.
const READS: usize = 8;
/// Messages that may wait for the socket.
const WRITES: usize = 16;

/// What a session's owner wants.
pub(crate) enum Outgoing {
    Say(ToEngine),
    HangUp,
    Kill,
}

type Answer = (ToEngine, Bytes);
/// `Break` ends the session; with nothing in it, the engine ended of itself.
type Flow = ControlFlow<Option<End>>;

pub(crate) struct Driver {
    process: Process,
    reader: OwnedReadHalf,
    writer: Option<OwnedWriteHalf>,
    source: Arc<dyn SourceReader>,
    size: u64,
    events: mpsc::Sender<SessionEvent>,
    sandbox: Sandbox,
    reads: JoinSet<Answer>,
    plan: Option<Box<Plan>>,
    watch: Watch,
}

impl Driver {
    pub(crate) fn new(
        process: Process,
        stream: UnixStream,
        source: Arc<dyn SourceReader>,
        size: u64,
        events: mpsc::Sender<SessionEvent>,
        sandbox: Sandbox,
    ) -> Self {
        let (reader, writer) = stream.into_split();
        Self {
            process,
            reader,
            writer: Some(writer),
            source,
            size,
            events,
            sandbox,
            reads: JoinSet::new(),
            plan: None,
            watch: Watch::default(),
        }
    }

    pub(crate) async fn run(mut self, mut outbox: mpsc::Receiver<Outgoing>, open: ToEngine) {
        let (socket, messages) = mpsc::channel(WRITES);
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
        // Hanging up: the writer ends when nobody can send to it any more.
        drop(socket);
        self.reads.abort_all();
        let end = match end {
            Some(end) => {
                self.process.kill().await;
                end
            }
            None => self.process.autopsy().await,
        };
        if let Some(writing) = writing {
            writing.abort();
        }
        // An owner that is gone does not want to know.
        let _ = self.events.send(SessionEvent::Ended(end)).await;
    }

    async fn step(
        &mut self,
        outbox: &mut mpsc::Receiver<Outgoing>,
        socket: &mpsc::Sender<Answer>,
        decoder: &mut Decoder,
    ) -> Flow {
        while self.reads.len() < READS {
            match decoder.take::<ToParent>() {
                Ok(Some((message, payload))) => self.take(message, payload).await?,
                Ok(None) => break,
                Err(error) => {
                    return ControlFlow::Break(Some(End::fault(
                        Code::EngineCrashed,
                        error.to_string(),
                    )));
                }
            }
        }
        tokio::select! {
            outgoing = outbox.recv() => match outgoing {
                Some(Outgoing::Say(message)) => {
                    self.notice(&message);
                    self.send(socket, (message, Bytes::new())).await
                }
                // The engine ends when it hears nothing more.
                Some(Outgoing::HangUp) => ControlFlow::Break(None),
                // Killed, or the owner dropped the session: over, whatever was going on.
                Some(Outgoing::Kill) | None => ControlFlow::Break(Some(End::Finished)),
            },
            Some(answer) = self.reads.join_next(), if !self.reads.is_empty() => match answer {
                Ok(answer) => self.send(socket, answer).await,
                Err(error) => ControlFlow::Break(Some(End::fault(Code::Internal, error.to_string()))),
            },
            read = self.reader.read_buf(decoder.buffer()), if self.reads.len() < READS => {
                if read.unwrap_or(0) == 0 { ControlFlow::Break(None) } else { ControlFlow::Continue(()) }
            }
            () = self.watch.expired() => ControlFlow::Break(Some(timeout())),
        }
    }

    /// Hands a message to the writer. An engine that does not listen runs out of its time.
    async fn send(&mut self, socket: &mpsc::Sender<Answer>, answer: Answer) -> Flow {
        tokio::select! {
            sent = socket.send(answer) => match sent {
                Ok(()) => ControlFlow::Continue(()),
                // The socket is broken: the engine has ended.
                Err(_) => ControlFlow::Break(None),
            },
            () = self.watch.expired() => ControlFlow::Break(Some(timeout())),
        }
    }

    fn notice(&mut self, message: &ToEngine) {
        match message {
            ToEngine::Plan(plan) => self.plan = Some(plan.clone()),
            ToEngine::Order { what, .. } => {
                let allowance = order_time(what, self.plan.as_deref(), self.size);
                self.watch.given(allowance);
            }
            ToEngine::Hold => self.watch.hold(),
            ToEngine::Resume => self.watch.resume(),
            ToEngine::Open { .. }
            | ToEngine::Bytes { .. }
            | ToEngine::Abandon { .. }
            | ToEngine::Skip { .. } => {}
        }
    }

    async fn take(&mut self, message: ToParent, payload: Bytes) -> Flow {
        let event = match message {
            ToParent::Ready {
                protocol: PROTOCOL,
                libraries,
                lacking,
            } => {
                tracing::debug!(%libraries, "engine ready");
                return match self.sandbox.permit(&lacking) {
                    Ok(()) => ControlFlow::Continue(()),
                    Err(error) => {
                        ControlFlow::Break(Some(End::fault(Code::Internal, error.to_string())))
                    }
                };
            }
            ToParent::Ready { protocol, .. } => {
                let message = format!(
                    "reelmill-engine speaks protocol {protocol}, reelmill {PROTOCOL}: they belong to different versions"
                );
                tracing::error!("{message}");
                return ControlFlow::Break(Some(End::fault(Code::Internal, message)));
            }
            ToParent::Read {
                read,
                offset,
                length,
            } => {
                self.reads
                    .spawn(answer(self.source.clone(), read, offset, length));
                return ControlFlow::Continue(());
            }
            ToParent::At {
                order,
                rendition,
                segment,
            } => SessionEvent::At {
                order,
                rendition,
                segment,
            },
            ToParent::Scanned { percent } => SessionEvent::Scanned(percent.min(100)),
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
        self.watch.waits(true);
        let sent = self.events.send(event).await;
        self.watch.waits(false);
        match sent {
            Ok(()) => ControlFlow::Continue(()),
            // The owner dropped the session.
            Err(_) => ControlFlow::Break(Some(End::Finished)),
        }
    }
}

fn timeout() -> End {
    End::fault(Code::EngineTimeout, "the engine took too long")
}

/// Longest read that is answered: FFmpeg asks for far less, and a payload must hold it.
const LONGEST_READ: u32 = 32 << 20;

async fn answer(source: Arc<dyn SourceReader>, read: u32, offset: u64, length: u32) -> Answer {
    let read_bytes = match length {
        0..=LONGEST_READ => source.read(offset, length).await,
        _ => Err(crate::SourceError("a read of that length".into())),
    };
    let (outcome, bytes) = match read_bytes {
        Ok(bytes) => (SourceBytes::Here, bytes),
        Err(error) => {
            tracing::warn!(%error, offset, length, "a read of the source failed");
            (SourceBytes::Unreachable, Bytes::new())
        }
    };
    (ToEngine::Bytes { read, outcome }, bytes)
}

async fn write(mut writer: OwnedWriteHalf, mut messages: mpsc::Receiver<Answer>) {
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

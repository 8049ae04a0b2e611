//! One session: an engine, the messages to it, and the events from it.

use std::sync::Arc;

use bytes::Bytes;
use plan::{Limits, MediaInfo, Plan, RenditionId};
use protocol::{Budget, EngineFailure, Made, Order, ToEngine};
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio_util::sync::CancellationToken;

use crate::driver::{Driver, Outgoing};
use crate::end::End;
use crate::engine::{Engine, StartError};
use crate::source::SourceReader;

/// Event of a session.
#[derive(Debug)]
pub enum SessionEvent {
    /// The engine has begun a segment.
    At {
        /// Number of the order.
        order: u32,
        /// Rendition that is being made; none where one decode serves several.
        rendition: Option<RenditionId>,
        /// Index of the segment.
        segment: u32,
    },
    /// Progress of a probe that reads the whole source, in per cent.
    Scanned(u8),
    /// Result of the probe.
    Probed(Box<MediaInfo>),
    /// Whole product, with its bytes.
    Made(Made, Bytes),
    /// Number of an order that is done.
    Done(u32),
    /// Number of an order that failed, with the failure; the session goes on.
    Failed(u32, EngineFailure),
    /// The session is over; no event follows.
    Ended(End),
}

/// Event on its way to the session's owner.
pub(crate) struct Event {
    pub(crate) what: SessionEvent,
    /// Space that the product takes among those that wait; it is freed when the owner has the event.
    pub(crate) _room: Option<OwnedSemaphorePermit>,
}

/// Most messages that may wait for the engine's socket.
const OUTGOING: usize = 64;
/// Most events that may wait for the session's owner; the bytes of waiting products have a limit of their own.
const EVENTS: usize = 16;

/// Running engine. Dropping the session kills the engine, which holds nothing that is worth keeping.
///
/// Events must be taken while an order runs, or the engine waits.
pub struct Session {
    outgoing: mpsc::Sender<Outgoing>,
    events: mpsc::Receiver<Event>,
    orders: u32,
    gone: CancellationToken,
}

impl Session {
    /// Starts an engine over a source of `size` bytes.
    ///
    /// # Errors
    /// An error is returned where the program cannot be started.
    pub fn open(
        engine: &Engine,
        source: Arc<dyn SourceReader>,
        size: u64,
        budget: Budget,
        limits: Limits,
    ) -> Result<Self, StartError> {
        let (process, stream) = engine.spawn()?;
        let (outgoing, outbox) = mpsc::channel(OUTGOING);
        let (sender, events) = mpsc::channel(EVENTS);
        let open = ToEngine::Open {
            size,
            budget,
            limits,
        };
        let driver = Driver::new(process, stream, source, size, sender, engine.sandbox());
        let gone = CancellationToken::new();
        let is_gone = gone.clone().drop_guard();
        engine.spawn_driver(async move {
            driver.run(outbox, open).await;
            drop(is_gone);
        });
        Ok(Self {
            outgoing,
            events,
            orders: 0,
            gone,
        })
    }

    /// Gives the engine the plan for later orders.
    pub async fn plan(&self, plan: &Plan) {
        self.say(ToEngine::Plan(Box::new(plan.clone()))).await;
    }

    /// Gives an order; the events that it causes carry the returned number.
    pub async fn order(&mut self, what: Order) -> u32 {
        self.orders += 1;
        let order = self.orders;
        self.say(ToEngine::Order { order, what }).await;
        order
    }

    /// Withdraws an order, which ends between two frames; `Done` follows.
    pub async fn abandon(&self, order: u32) {
        self.say(ToEngine::Abandon { order }).await;
    }

    /// Holds the engine between two frames; it keeps its memory.
    pub async fn hold(&self) {
        self.say(ToEngine::Hold).await;
    }

    /// Lets a held engine go on.
    pub async fn resume(&self) {
        self.say(ToEngine::Resume).await;
    }

    /// Handle with which other parts can hold and resume the session.
    pub fn brake(&self) -> Brake {
        Brake {
            outgoing: self.outgoing.downgrade(),
        }
    }

    /// Tells the engine to leave out a segment that another session has made, or is about to make.
    pub async fn skip(&self, rendition: RenditionId, segment: u32) {
        self.say(ToEngine::Skip { rendition, segment }).await;
    }

    /// Completes when the engine's process is gone and its memory is free, some time after the session is dropped.
    pub fn until_gone(&self) -> impl Future<Output = ()> + Send + 'static {
        self.gone.clone().cancelled_owned()
    }

    /// Waits for the next event; `Ended` is the last. The future may be dropped at any time without loss.
    pub async fn next(&mut self) -> SessionEvent {
        let next = self.events.recv().await;
        next.map_or(SessionEvent::Ended(End::Finished), |event| event.what)
    }

    /// Hangs up and waits until the engine has ended by itself; it is killed if it does not.
    pub async fn finish(self) -> End {
        self.end(Outgoing::HangUp).await
    }

    /// Kills the engine and waits until it is gone.
    pub async fn kill(self) -> End {
        self.end(Outgoing::Kill).await
    }

    async fn end(mut self, how: Outgoing) -> End {
        let outgoing = self.outgoing.clone();
        let (_, end) = tokio::join!(outgoing.send(how), async {
            loop {
                if let SessionEvent::Ended(end) = self.next().await {
                    return end;
                }
            }
        });
        end
    }

    async fn say(&self, message: ToEngine) {
        // An engine that is gone reports it by its event `Ended`.
        let _ = self.outgoing.send(Outgoing::Say(message)).await;
    }
}

/// Handle that holds and resumes a session from outside.
#[derive(Clone)]
pub struct Brake {
    outgoing: mpsc::WeakSender<Outgoing>,
}

impl Brake {
    /// Holds the engine between two frames; it keeps its memory.
    pub async fn hold(&self) {
        self.send(ToEngine::Hold).await;
    }

    /// Lets a held engine go on.
    pub async fn resume(&self) {
        self.send(ToEngine::Resume).await;
    }

    async fn send(&self, message: ToEngine) {
        if let Some(outgoing) = self.outgoing.upgrade() {
            let _ = outgoing.send(Outgoing::Say(message)).await;
        }
    }
}

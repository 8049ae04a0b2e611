//! One engine and what is said to it.

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

/// What happens in a session.
#[derive(Debug)]
pub enum SessionEvent {
    /// The engine works at this segment now.
    At {
        /// Of which order.
        order: u32,
        /// At which rendition; nothing where one decode serves several.
        rendition: Option<RenditionId>,
        /// Which segment.
        segment: u32,
    },
    /// A probe that reads the whole source has come so far, in per cent.
    Scanned(u8),
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

/// An event on its way to the session's owner.
pub(crate) struct Event {
    pub(crate) what: SessionEvent,
    /// What it takes of the room for products; given back when the owner has it.
    pub(crate) _room: Option<OwnedSemaphorePermit>,
}

/// Messages that may wait for the engine's socket.
const OUTGOING: usize = 64;
/// Events that may wait for the session's owner; what products among them take is bounded apart.
const EVENTS: usize = 16;

/// A running engine. Dropped, it is killed: it holds nothing that is worth keeping.
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
    /// Where the program cannot be started.
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
        engine.drive(async move {
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

    /// Ends an order between two frames; `Done` follows.
    pub async fn abandon(&self, order: u32) {
        self.say(ToEngine::Abandon { order }).await;
    }

    /// Stops the engine between two frames; its memory stays.
    pub async fn hold(&self) {
        self.say(ToEngine::Hold).await;
    }

    /// Lets it go on.
    pub async fn resume(&self) {
        self.say(ToEngine::Resume).await;
    }

    /// A handle for others to hold and resume the session with.
    pub fn brake(&self) -> Brake {
        Brake {
            outgoing: self.outgoing.downgrade(),
        }
    }

    /// Somebody else has made it, or is about to.
    pub async fn skip(&self, rendition: RenditionId, segment: u32) {
        self.say(ToEngine::Skip { rendition, segment }).await;
    }

    /// Ends when the engine's process is gone, and with it what it took of memory: some time after the session
    /// is dropped.
    pub fn until_gone(&self) -> impl Future<Output = ()> + Send + 'static {
        self.gone.clone().cancelled_owned()
    }

    /// The next event; `Ended` is the last. Safe to drop at any time.
    pub async fn next(&mut self) -> SessionEvent {
        let next = self.events.recv().await;
        next.map_or(SessionEvent::Ended(End::Finished), |event| event.what)
    }

    /// Hangs up and waits until the engine has ended of itself; it is killed if it does not.
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
        // An engine that is gone says so by its `Ended`.
        let _ = self.outgoing.send(Outgoing::Say(message)).await;
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
            let _ = outgoing.send(Outgoing::Say(message)).await;
        }
    }
}

//! Hints at what should be made next, and who is there to make it.

mod chunk;
mod demand;
mod worker;

use std::time::Duration;

use async_trait::async_trait;
use plan::VideoId;

pub use chunk::{Chunk, InHand, Offered, Scope, Settle};
pub use demand::{Answer, Asked, Demand, Urgency, Viewer, Wanted};
pub use worker::{Worker, WorkerId};

use crate::Error;

/// How long a worker that was heard of counts as there.
pub const ALIVE: Duration = Duration::from_secs(6);

/// Work to hand out. Implementations: in process, NATS.
///
/// A *hint*: it may be lost or come twice. The reconciler, which compares plan and
/// store, makes it whole. A chunk that is in hand when its worker dies comes again.
#[async_trait]
pub trait Work: Send + Sync {
    /// Offers a chunk, unless the same one waits or is in hand.
    async fn offer(&self, chunk: &Chunk) -> Result<Offered, Error>;

    /// Takes back a chunk that waits; says whether it did. What is in hand, or was handed back,
    /// stays where it is; a worker that is just being given it may keep it.
    async fn withdraw(&self, chunk: &Chunk) -> Result<bool, Error>;

    /// Waits for a chunk; first come, first served: who offers decides on the order, and keeps
    /// the queue short. Safe to drop at any time.
    async fn take(&self) -> Result<InHand, Error>;

    /// Takes a chunk of this video that waits, if there is one: whoever has just made one of it has
    /// its source at hand.
    async fn take_more_of(&self, video: VideoId) -> Result<Option<InHand>, Error>;

    /// Asks some worker for something that somebody waits for, and waits for its answer, no
    /// longer than the demand's patience: first a worker that is warm for the video, then any.
    /// The answer says who will try, not that it is made: that is an event.
    async fn ask(&self, demand: Demand) -> Result<Answer, Error>;

    /// Tells a worker that is warm for the video something of its viewers, if there is one.
    /// Nobody answers.
    async fn tell(&self, demand: Demand) -> Result<(), Error>;

    /// Hears demands from now on, each of them one listener of all.
    async fn listen(&self) -> Result<Box<dyn Listener>, Error>;

    /// Says that a worker is there, and what it can do. Forgotten after [`ALIVE`].
    async fn announce(&self, worker: Worker) -> Result<(), Error>;

    /// The workers that were heard of lately, oneself included, in the order of their ids.
    async fn workers(&self) -> Result<Vec<Worker>, Error>;
}

/// A worker's ear for demands.
#[async_trait]
pub trait Listener: Send {
    /// Waits for a demand, to be answered at once. Safe to drop at any time.
    async fn next(&mut self) -> Result<Asked, Error>;

    /// From now on demands of these videos come here first: their sessions are warm. Those of
    /// the call before no longer do.
    async fn attend(&mut self, videos: &[VideoId]) -> Result<(), Error>;
}

//! Work: hints what is to be made next, and the workers that make it.

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

/// Time for which a worker counts as alive after its last announcement.
pub const ALIVE: Duration = Duration::from_secs(6);

/// Distribution of work. Implementations: in process, NATS.
///
/// Work is a *hint*: it may be lost or delivered twice, and the reconciler, which compares plan and store, repairs
/// this. A chunk is handed out again if its worker dies.
#[async_trait]
pub trait Work: Send + Sync {
    /// Offers a chunk, unless the same one waits or is taken.
    async fn offer(&self, chunk: &Chunk) -> Result<Offered, Error>;

    /// Removes a waiting chunk and returns whether it was waiting. A chunk that is taken or was handed back stays; a
    /// worker that receives the chunk at this moment may keep it.
    async fn withdraw(&self, chunk: &Chunk) -> Result<bool, Error>;

    /// Waits for a chunk. Chunks are handed out in the order of their offers, so the offering side decides the order
    /// and keeps the queue short. The future may be dropped at any time.
    async fn take(&self) -> Result<InHand, Error>;

    /// Takes a waiting chunk of this video, if there is one. A worker that has just made a chunk of the video has its
    /// source at hand.
    async fn take_more_of(&self, video: VideoId) -> Result<Option<InHand>, Error>;

    /// Asks a worker for something that a client waits for, and waits for its answer at most for the demand's
    /// patience. A worker with a warm session for the video is asked first, then any worker. The answer says who will
    /// make the object; an event says when it is made.
    async fn ask(&self, demand: Demand) -> Result<Answer, Error>;

    /// Sends a worker with a warm session for the video information about its viewers. There is no answer, and
    /// without such a worker nothing happens.
    async fn tell(&self, demand: Demand) -> Result<(), Error>;

    /// Listens to demands from now on. Each demand goes to one of all listeners.
    async fn listen(&self) -> Result<Box<dyn Listener>, Error>;

    /// Announces a worker and its capabilities. The announcement is forgotten after [`ALIVE`].
    async fn announce(&self, worker: Worker) -> Result<(), Error>;

    /// Workers that were announced recently, including the caller's own, in the order of their ids.
    async fn workers(&self) -> Result<Vec<Worker>, Error>;
}

/// A worker's receiver of demands.
#[async_trait]
pub trait Listener: Send {
    /// Waits for a demand, which must be answered at once. The future may be dropped at any time.
    async fn next(&mut self) -> Result<Asked, Error>;

    /// Directs demands of these videos to this listener first, because it has warm sessions for them. The list
    /// replaces that of the previous call.
    async fn attend(&mut self, videos: &[VideoId]) -> Result<(), Error>;
}

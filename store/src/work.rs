//! Hints at what should be made next.

use std::net::IpAddr;
use std::time::Duration;

use async_trait::async_trait;
use plan::{OwnerId, SegmentKey, VideoId};
use serde::{Deserialize, Serialize};

use crate::Error;
use crate::metadata::Priority;

/// Work to hand out. Implementations: in process, NATS.
///
/// A *hint*: it may be lost or come twice. The reconciler, which compares plan and
/// store, makes it whole. A chunk that is in hand when its worker dies comes again.
#[async_trait]
pub trait Work: Send + Sync {
    /// Offers a chunk, unless the same one waits or is in hand.
    async fn offer(&self, chunk: Chunk) -> Result<Offered, Error>;

    /// Waits for a chunk: interactive before bulk, owners in turn, then first come.
    /// Safe to drop at any time.
    async fn take(&self) -> Result<InHand, Error>;

    /// Asks some worker to make segments, and waits for its answer until the demand's
    /// deadline. The answer says who will try, not that it is made: that is an event.
    async fn demand(&self, demand: Demand) -> Result<Answer, Error>;

    /// Waits for a demand, to be answered at once. Safe to drop at any time.
    async fn next_demand(&self) -> Result<Asked, Error>;
}

/// A stretch of a plan to make.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chunk {
    /// Of which video.
    pub video: VideoId,
    /// The hash of the plan that fixes it.
    pub plan: String,
    /// Which, from 0.
    pub chunk: u32,
    /// Which renditions.
    pub scope: Scope,
    /// Whose turn it takes.
    pub owner: OwnerId,
    /// Before what it comes.
    pub priority: Priority,
}

/// Which renditions of a chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// The start rungs and the audio.
    Start,
    /// Whatever is unmade.
    All,
}

/// What became of an offer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Offered {
    /// It waits for a worker.
    Queued,
    /// The same one waits already, or is in hand.
    Already,
    /// Too many wait; offer again when some are done.
    Full,
}

/// A chunk that a worker has taken. Dropped unsettled, it is offered again at once.
pub struct InHand {
    chunk: Chunk,
    settle: Option<Box<dyn Settle>>,
}

/// How an implementation learns what became of a chunk.
pub trait Settle: Send + Sync {
    /// `None`: done with; otherwise it is offered again after that time.
    fn settle(self: Box<Self>, again_after: Option<Duration>);
}

impl InHand {
    /// For implementations.
    pub fn new(chunk: Chunk, settle: Box<dyn Settle>) -> Self {
        Self {
            chunk,
            settle: Some(settle),
        }
    }

    /// What to make.
    pub const fn chunk(&self) -> &Chunk {
        &self.chunk
    }

    /// Done with, made or not: the same chunk may be offered anew.
    pub fn ack(mut self) {
        self.settle(None);
    }

    /// Not now: comes again after `delay`.
    pub fn nack(mut self, delay: Duration) {
        self.settle(Some(delay));
    }

    fn settle(&mut self, again_after: Option<Duration>) {
        if let Some(settle) = self.settle.take() {
            settle.settle(again_after);
        }
    }
}

impl Drop for InHand {
    fn drop(&mut self) {
        self.settle(Some(Duration::ZERO));
    }
}

/// Segments that somebody waits for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Demand {
    /// All of the same time of one video: the picture in one rung, and the sound.
    pub segments: Vec<SegmentKey>,
    /// When the answer to the player is due, in microseconds since 1970 UTC.
    pub deadline_us: i64,
    /// How much depends on it.
    pub urgency: Urgency,
    /// Whose turn it takes.
    pub viewer: Viewer,
}

/// How much depends on a demand; the later outranks the earlier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Urgency {
    /// A playlist was fetched: these will be wanted soon.
    Hint,
    /// A player waits.
    Waiting,
    /// A player asks a second time; some give up for good after it.
    SecondTry,
}

/// Who waits, as far as turns go round by it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Viewer {
    /// The client's address; `None` if all that is known is a trusted proxy's own.
    pub address: Option<IpAddr>,
    /// CMCD `sid`.
    pub session: Option<String>,
}

/// A worker's answer to a demand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// Somebody makes it.
    Accepted,
    /// Nobody can now.
    Busy,
}

/// A demand that a worker has been asked to meet. Dropped unanswered, it is refused.
pub struct Asked {
    demand: Demand,
    reply: Option<Box<dyn FnOnce(Answer) + Send + Sync>>,
}

impl Asked {
    /// For implementations.
    pub fn new(demand: Demand, reply: Box<dyn FnOnce(Answer) + Send + Sync>) -> Self {
        Self {
            demand,
            reply: Some(reply),
        }
    }

    /// What is wanted.
    pub const fn demand(&self) -> &Demand {
        &self.demand
    }

    /// Tells who asked.
    pub fn answer(mut self, answer: Answer) {
        self.reply(answer);
    }

    fn reply(&mut self, answer: Answer) {
        if let Some(reply) = self.reply.take() {
            reply(answer);
        }
    }
}

impl Drop for Asked {
    fn drop(&mut self) {
        self.reply(Answer::Busy);
    }
}

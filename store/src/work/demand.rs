//! Something that somebody waits for.

use std::net::IpAddr;
use std::time::Duration;

use plan::{RenditionKey, SegmentKey, VideoId};
use serde::{Deserialize, Serialize};

use crate::ObjectKey;

/// Something that somebody waits for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Demand {
    /// What.
    pub wanted: Wanted,
    /// How long from now somebody waits for it: a span, since the clocks of two machines differ.
    pub patience: Duration,
    /// How much depends on it.
    pub urgency: Urgency,
    /// Whose turn it takes.
    pub viewer: Viewer,
}

/// What a worker can be asked for or told.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Wanted {
    /// A segment, a sheet or a thumbnail.
    Object(ObjectKey),
    /// That a video whose source is complete becomes playable.
    Start(VideoId),
    /// Told only: a viewer is at this segment.
    Near(SegmentKey),
    /// Told only: a viewer is about to go on in this rendition.
    Chosen(RenditionKey),
}

impl Wanted {
    /// Of which video; nothing for objects that belong to none.
    pub const fn video(&self) -> Option<VideoId> {
        match self {
            Self::Object(key) => key.video(),
            Self::Start(video) => Some(*video),
            Self::Near(key) => Some(key.video),
            Self::Chosen(key) => Some(key.video),
        }
    }
}

/// How much depends on a demand; the later outranks the earlier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Urgency {
    /// Nobody waits yet.
    Hint,
    /// A player waits.
    Waiting,
    /// A player asks a second time; some give up for good after it.
    SecondTry,
}

/// Who waits, as far as turns go round by it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Viewer {
    /// The client's network; `None` if all that is known is a trusted proxy's own address.
    pub network: Option<IpAddr>,
    /// CMCD `sid`.
    pub session: Option<String>,
    /// CMCD `dl`: after how long from now the player has nothing left to show.
    #[serde(default)]
    pub deadline: Option<Duration>,
}

/// A worker's answer to a demand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// Somebody makes it.
    Accepted,
    /// It is there already.
    Stored,
    /// Nobody can now.
    Busy,
    /// There is no worker.
    Nobody,
}

/// A demand that a worker has been asked to meet. Dropped unanswered, it is refused.
pub struct Asked {
    demand: Demand,
    reply: Option<Reply>,
}

type Reply = Box<dyn FnOnce(Answer) + Send + Sync>;

impl Asked {
    /// For implementations; without a reply, it was told only.
    pub fn new(demand: Demand, reply: Option<Reply>) -> Self {
        Self { demand, reply }
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

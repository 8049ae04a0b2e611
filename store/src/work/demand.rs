//! Demands: requests for objects that a client waits for.

use std::net::IpAddr;
use std::time::Duration;

use plan::{RenditionKey, SegmentKey, VideoId};
use serde::{Deserialize, Serialize};

use crate::ObjectKey;

/// Request for an object that a client waits for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Demand {
    /// Object or action that is requested.
    pub wanted: Wanted,
    /// Time from now for which the client waits. It is a duration, since the clocks of two machines differ.
    pub patience: Duration,
    /// Importance of the demand.
    pub urgency: Urgency,
    /// Viewer whose turn the demand uses.
    pub viewer: Viewer,
}

/// Object that a worker is asked for, or information that it is given.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Wanted {
    /// Request for a segment, a storyboard sheet or a thumbnail.
    Object(ObjectKey),
    /// Request that a video with a complete source becomes playable.
    Start(VideoId),
    /// Information that a viewer's playhead is at this segment.
    Near(SegmentKey),
    /// Information that a viewer is about to continue in this rendition.
    Chosen(RenditionKey),
}

impl Wanted {
    /// Video to which the demand belongs; `None` for objects that belong to no video.
    pub const fn video(&self) -> Option<VideoId> {
        match self {
            Self::Object(key) => key.video(),
            Self::Start(video) => Some(*video),
            Self::Near(key) => Some(key.video),
            Self::Chosen(key) => Some(key.video),
        }
    }
}

/// Importance of a demand. Later values outrank earlier ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Urgency {
    /// No client waits yet.
    Hint,
    /// A player waits.
    Waiting,
    /// A player asks for the second time. Some players give up for good after a second failure.
    SecondTry,
}

/// Identity of a viewer, as far as it matters for taking turns.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Viewer {
    /// Network of the client; `None` if only the address of a trusted proxy is known.
    pub network: Option<IpAddr>,
    /// Id of the playback session (CMCD `sid`).
    pub session: Option<String>,
    /// Time from now after which the player has nothing left to show (CMCD `dl`).
    #[serde(default)]
    pub deadline: Option<Duration>,
}

/// Answer of a worker to a demand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// A worker makes the object.
    Accepted,
    /// The object is stored already.
    Stored,
    /// No worker can make the object now.
    Busy,
    /// There is no worker.
    Nobody,
}

/// Demand that a worker has received. If it is dropped unanswered, it is refused.
pub struct Asked {
    demand: Demand,
    reply: Option<Reply>,
}

type Reply = Box<dyn FnOnce(Answer) + Send + Sync>;

impl Asked {
    /// Creates a received demand. Only implementations of [`super::Work`] call it. There is no `reply` for
    /// information that needs no answer.
    pub fn new(demand: Demand, reply: Option<Reply>) -> Self {
        Self { demand, reply }
    }

    /// The demand that was received.
    pub const fn demand(&self) -> &Demand {
        &self.demand
    }

    /// Sends the answer to the requester.
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

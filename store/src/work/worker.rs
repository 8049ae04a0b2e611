//! Who is there to work.

use plan::{RenditionKey, VideoId};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A worker of one process, for as long as it runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct WorkerId(pub Uuid);

/// What a worker says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Worker {
    /// Who.
    pub id: WorkerId,
    /// Threads that it encodes with.
    pub cores: u32,
    /// Bytes of memory for its engines together.
    pub memory_bytes: u64,
    /// Videos for which a session is warm.
    pub warm: Vec<VideoId>,
    /// Renditions that its engine cannot go on with, the latest first: they were begun by another version.
    #[serde(default)]
    pub declines: Vec<RenditionKey>,
    /// It is about to stop, and takes nothing new.
    pub drains: bool,
}

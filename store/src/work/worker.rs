//! Workers and what they announce about themselves.

use plan::{RenditionKey, VideoId};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Id of a worker, valid for the life of its process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct WorkerId(pub Uuid);

/// Announcement of a worker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Worker {
    /// Id of the worker.
    pub id: WorkerId,
    /// Number of threads that it encodes with.
    pub cores: u32,
    /// Memory in bytes for all of its engine processes.
    pub memory_bytes: u64,
    /// Videos for which the worker has a warm session.
    pub warm: Vec<VideoId>,
    /// Renditions that its engine cannot continue because another version began them, the latest first.
    #[serde(default)]
    pub declines: Vec<RenditionKey>,
    /// Whether the worker is about to stop and takes nothing new.
    pub drains: bool,
}

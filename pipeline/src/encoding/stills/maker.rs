//! What makes stills, one at a time, and who waits for it.

use std::sync::Arc;

use tokio::sync::Semaphore;

use crate::cluster::ask::RemoteWorkers;
use crate::encoding::seats::Seats;
use crate::encoding::turns::{Network, Turns};
use crate::plans::planner::Planner;

/// Requests that may wait for stills: those of a seek bar over which a pointer moves.
const WAITING: usize = 64;

/// What makes stills, one at a time.
pub(crate) struct StillMaker {
    pub(super) planner: Arc<Planner>,
    /// The workers that an origin asks; nothing where this process makes stills itself.
    pub(super) remote: Option<Arc<RemoteWorkers>>,
    /// Held by the one session that makes a still.
    pub(super) permit: Semaphore,
    /// Whose turn it is to have a still made.
    pub(super) turns: Arc<Turns>,
    /// Requests that wait for a still.
    pub(super) waiting: Arc<Seats<Network>>,
}

impl StillMaker {
    pub(crate) fn new(planner: &Arc<Planner>, remote: Option<&Arc<RemoteWorkers>>) -> Self {
        Self {
            planner: planner.clone(),
            remote: remote.cloned(),
            permit: Semaphore::new(1),
            turns: Turns::new(1),
            waiting: Seats::new(WAITING),
        }
    }
}

//! The maker of stills: one session of the process makes a still at a time, and a limited number of requests wait for
//! it.

use std::sync::Arc;

use tokio::sync::Semaphore;

use crate::cluster::ask::RemoteWorkers;
use crate::encoding::seats::Seats;
use crate::encoding::turns::{Network, Turns};
use crate::plans::planner::Planner;

/// Requests that may wait for stills at once: as many as a pointer that moves over a seek bar sends.
const WAITING: usize = 64;

/// Makes stills, one at a time.
pub(crate) struct StillMaker {
    pub(super) planner: Arc<Planner>,
    /// The workers that an origin asks; `None` where this process makes stills itself.
    pub(super) remote: Option<Arc<RemoteWorkers>>,
    /// The permit of the one session that makes a still.
    pub(super) permit: Semaphore,
    /// The order in which networks have stills made for their requests.
    pub(super) turns: Arc<Turns>,
    /// Seats of the requests that wait for a still.
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

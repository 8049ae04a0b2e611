//! Troubles of the background that are nobody's fault at a segment: a full disk, a source that
//! cannot be read. Each is waited out, longer every time; what lasts ends a video.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use plan::VideoId;

use crate::encoding::session::{SessionError, is_store_away};
use crate::plans::planner::Planner;
use crate::videos::failure;

/// Doublings of the pause: a minute.
const DOUBLINGS: u32 = 7;
/// As much while a store is away, which is asked by somebody else all the time: four seconds.
const AWAY: u32 = 3;
/// A source that could not be read so often is gone; where nobody waits to watch, a disk that was full so often is full.
const LASTING: u32 = 4;

/// How often in a row a video met trouble.
#[derive(Default)]
pub(crate) struct Troubles(HashMap<VideoId, u32>);

impl Troubles {
    /// Takes note of one; says how long to leave the video alone.
    pub(crate) async fn meet(
        &mut self,
        planner: &Arc<Planner>,
        video: VideoId,
        error: &SessionError,
    ) -> Duration {
        let troubles = self.0.entry(video).or_default();
        *troubles += 1;
        let troubles = *troubles;
        tracing::warn!(%error, %video, troubles, "background work stopped short");
        let lasting = match error {
            // Who can watch it already goes on doing so, and the rest is made when there is space.
            SessionError::Store(store::Error::NoSpace) if planner.config.viewers => None,
            SessionError::Store(store::Error::NoSpace) => Some(failure::no_space()),
            SessionError::Fault(failure) => Some(failure.clone()),
            _ => None,
        };
        let is_away = is_store_away(&planner.records, error).await;
        if let Some(failure) = lasting
            && troubles >= LASTING
            && !is_away
        {
            failure::fail(&planner.records, video, failure).await;
        }
        let doublings = if is_away { AWAY } else { DOUBLINGS };
        let pause = planner.config.pause * 2_u32.pow(troubles.min(doublings) - 1);
        // Not all of them again at the same moment.
        pause + planner.records.stores.jitter.up_to(pause / 4)
    }

    /// It went well.
    pub(crate) fn over(&mut self, video: VideoId) {
        self.0.remove(&video);
    }

    /// Forgets who is not among these.
    pub(crate) fn keep(&mut self, wanted: impl Fn(&VideoId) -> bool) {
        self.0.retain(|video, _| wanted(video));
    }
}

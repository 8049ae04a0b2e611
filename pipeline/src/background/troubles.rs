//! Background failures that are no segment's fault: a full disk, or a source that cannot be read. The video is left
//! alone after each failure, longer every time; a failure that lasts ends the video.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use plan::VideoId;

use crate::encoding::session::{SessionError, is_store_away};
use crate::plans::planner::Planner;
use crate::videos::failure;

/// Doublings of the pause between tries, so that the longest pause is about a minute.
const DOUBLINGS: u32 = 7;
/// Doublings of the pause while a store is away: at most four seconds. The store is asked by others all the time
/// meanwhile, so a short pause costs nothing.
const DOUBLINGS_WHILE_STORE_IS_AWAY: u32 = 3;
/// Failures in a row after which a source that cannot be read counts as lost, and after which a full disk fails the
/// video where nobody waits to watch.
const LASTING: u32 = 4;

/// Number of failures in a row, by video.
#[derive(Default)]
pub(crate) struct Troubles(HashMap<VideoId, u32>);

impl Troubles {
    /// Counts a failure of a video; returns how long to leave the video alone.
    pub(crate) async fn record_failure(
        &mut self,
        planner: &Arc<Planner>,
        video: VideoId,
        error: &SessionError,
    ) -> Duration {
        let troubles = self.0.entry(video).or_default();
        *troubles += 1;
        let troubles = *troubles;
        tracing::warn!(%error, %video, troubles, "background work at a video failed; it is tried again after a pause");
        let lasting = match error {
            // Viewers of a playable video go on watching, and the rest is made when there is space.
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
        let doublings = if is_away {
            DOUBLINGS_WHILE_STORE_IS_AWAY
        } else {
            DOUBLINGS
        };
        let pause = planner.config.pause * 2_u32.pow(troubles.min(doublings) - 1);
        // A random part spreads the tries, so that not all videos are tried at the same moment.
        pause + planner.records.stores.jitter.up_to(pause / 4)
    }

    /// Notes that the work at a video succeeded: its failures are forgotten.
    pub(crate) fn record_success(&mut self, video: VideoId) {
        self.0.remove(&video);
    }

    /// Keeps the failures of these videos only.
    pub(crate) fn keep(&mut self, wanted: impl Fn(&VideoId) -> bool) {
        self.0.retain(|video, _| wanted(video));
    }
}

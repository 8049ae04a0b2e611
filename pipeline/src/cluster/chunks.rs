//! Chunks: a worker takes offered chunks, one at a time, and makes what is missing of them.

use std::sync::Arc;
use std::time::Duration;

use plan::VideoId;
use store::work::{Chunk, InHand, Scope};

use crate::background::backlog::{Backlog, Next};
use crate::background::runner::{BackgroundRunner, Outcome};
use crate::background::troubles::Troubles;
use crate::encoding::session::SessionError;
use crate::plans::planner::Planner;

/// Pieces that one chunk may need: each piece makes something, or counts a try of something.
const PIECES: usize = 64;
/// Chunks of one video that a worker takes one after the other, although other videos may have waited longer.
const IN_A_ROW: u32 = 4;
/// Time after which a chunk is offered again whose missing segments are claimed by sessions for this worker's viewers.
const AGAIN: Duration = Duration::from_secs(2);
/// Time for which this worker leaves a chunk that it cannot continue to others.
const LEFT: Duration = Duration::from_millis(250);
/// Pause after no chunk could be taken.
const PAUSE: Duration = Duration::from_secs(1);

/// Takes chunks until the worker drains.
pub(crate) async fn run(planner: Arc<Planner>, mut runner: BackgroundRunner) {
    let mut troubles = Troubles::default();
    let mut last = None;
    while !planner.sessions.tasks.is_draining() {
        // Other workers take the chunks while viewers wait here.
        tokio::select! {
            () = runner.until_gate_opens() => {}
            () = planner.sessions.tasks.until_draining() => return,
        }
        let taken = match last.take() {
            Some((video, count)) if count < IN_A_ROW => more_of(&planner, video, count + 1).await,
            _ => None,
        };
        let taken = match taken {
            Some(taken) => Ok(taken),
            None => {
                let taken = tokio::select! {
                    taken = runner.warm_until(planner.records.stores.work.take()) => taken,
                    () = planner.sessions.tasks.until_draining() => return,
                };
                taken.map(|taken| (taken, 1))
            }
        };
        let (taken, count) = match taken {
            Ok(taken) => taken,
            Err(error) => {
                tracing::warn!(%error, "no chunk can be taken; it is tried again after a pause");
                planner.records.stores.clock.sleep(PAUSE).await;
                continue;
            }
        };
        let video = taken.chunk().video;
        match make(&planner, &mut runner, taken.chunk()).await {
            Ok(Outcome::Worked) => {
                troubles.record_success(video);
                taken.ack();
                last = Some((video, count));
            }
            // Other workers may be able to continue the chunk. This worker pauses, since it would be first to get it
            // again.
            Ok(Outcome::Waits) if declines(&planner, taken.chunk()).await => {
                taken.nack(Duration::ZERO);
                planner.records.stores.clock.sleep(LEFT).await;
            }
            Ok(Outcome::Waits) => taken.nack(AGAIN),
            Err(error) => {
                runner.end_session();
                let pause = troubles.record_failure(&planner, video, &error).await;
                park(taken, pause);
            }
        }
    }
}

/// Takes another chunk of the video whose session is warm.
async fn more_of(planner: &Planner, video: VideoId, count: u32) -> Option<(InHand, u32)> {
    match planner.records.stores.work.take_more_of(video).await {
        Ok(taken) => taken.map(|taken| (taken, count)),
        Err(error) => {
            tracing::debug!(%error, "no chunk of the warm video can be taken");
            None
        }
    }
}

/// Puts a chunk back, to be offered again after a pause.
fn park(taken: InHand, pause: Duration) {
    tracing::debug!(chunk = ?taken.chunk(), ?pause, "a chunk is put back and offered again after a pause");
    taken.nack(pause);
}

/// Whether this worker cannot continue some rendition of the chunk's video; the next announcement says so again.
async fn declines(planner: &Planner, chunk: &Chunk) -> bool {
    match planner.plans.load(chunk.video, &chunk.plan).await {
        Ok(plan) => planner.plans.declined.record_again(chunk.video, &plan),
        Err(_) => false,
    }
}

/// Makes what is missing of a chunk; returns [`Outcome::Waits`] where other sessions have claimed that.
async fn make(
    planner: &Arc<Planner>,
    runner: &mut BackgroundRunner,
    chunk: &Chunk,
) -> Result<Outcome, SessionError> {
    let mut is_relisted = false;
    for _ in 0..PIECES {
        let Some(row) = planner.records.living(chunk.video).await? else {
            return Ok(Outcome::Worked);
        };
        if !row.is_in_the_making() || row.current_plan.as_ref() != Some(&chunk.plan) {
            return Ok(Outcome::Worked);
        }
        let plan = planner.plans.load(row.id, &chunk.plan).await?;
        // No event tells of init segments, text and loudness, so the store is listed for them.
        let has_events = matches!(
            chunk.scope,
            Scope::Start | Scope::All | Scope::Lazy | Scope::Poster | Scope::Sheet
        );
        let inventory = if has_events || is_relisted {
            planner.inventory.known(row.id).await?
        } else {
            is_relisted = true;
            planner.inventory.relist(row.id).await?
        };
        let backlog = Backlog {
            planner,
            row: &row,
            plan: &plan,
            inventory: &inventory,
        };
        let piece = match backlog.of(chunk.scope, chunk.index) {
            Next::Piece(piece) => piece,
            Next::Wait => return Ok(Outcome::Waits),
            Next::Nothing => return Ok(Outcome::Worked),
        };
        if let Outcome::Waits = runner.make(&row, &plan, &piece).await? {
            return Ok(Outcome::Waits);
        }
    }
    Ok(Outcome::Waits)
}

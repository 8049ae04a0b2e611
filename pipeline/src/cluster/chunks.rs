//! A worker takes offered chunks, one at a time, and makes what of them is missing.

use std::sync::Arc;
use std::time::Duration;

use plan::VideoId;
use store::work::{Chunk, InHand, Scope};

use crate::background::backlog::{Backlog, Next};
use crate::background::runner::{BackgroundRunner, Outcome};
use crate::background::troubles::Troubles;
use crate::encoding::session::SessionError;
use crate::plans::planner::Planner;

/// Pieces that one chunk may come to: each makes something, or counts a try of something.
const PIECES: usize = 64;
/// Chunks of a video that a worker takes one after the other while others' may have waited longer.
const IN_A_ROW: u32 = 4;
/// When a chunk comes again whose rest is in the hands of this worker's viewers.
const AGAIN: Duration = Duration::from_secs(2);
/// How long a chunk is left to others that this worker cannot go on with.
const LEFT: Duration = Duration::from_millis(250);
/// A pause after nothing could be taken.
const PAUSE: Duration = Duration::from_secs(1);

/// Takes until nothing new is to be.
pub(crate) async fn run(planner: Arc<Planner>, mut runner: BackgroundRunner) {
    let mut troubles = Troubles::default();
    let mut last = None;
    while !planner.sessions.tasks.is_draining() {
        // Others take it meanwhile.
        tokio::select! {
            () = runner.until_calm() => {}
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
                tracing::warn!(%error, "no work can be taken");
                planner.records.stores.clock.sleep(PAUSE).await;
                continue;
            }
        };
        let video = taken.chunk().video;
        match make(&planner, &mut runner, taken.chunk()).await {
            Ok(Outcome::Worked) => {
                troubles.over(video);
                taken.ack();
                last = Some((video, count));
            }
            // For others, who can go on with it; not for this worker, which would come first again.
            Ok(Outcome::Waits) if declines(&planner, taken.chunk()).await => {
                taken.nack(Duration::ZERO);
                planner.records.stores.clock.sleep(LEFT).await;
            }
            Ok(Outcome::Waits) => taken.nack(AGAIN),
            Err(error) => {
                runner.rest();
                let pause = troubles.meet(&planner, video, &error).await;
                park(taken, pause);
            }
        }
    }
}

/// A chunk of the video that is warm already.
async fn more_of(planner: &Planner, video: VideoId, count: u32) -> Option<(InHand, u32)> {
    match planner.records.stores.work.take_more_of(video).await {
        Ok(taken) => taken.map(|taken| (taken, count)),
        Err(error) => {
            tracing::debug!(%error, "whatever comes next is taken");
            None
        }
    }
}

fn park(taken: InHand, pause: Duration) {
    tracing::debug!(chunk = ?taken.chunk(), ?pause, "comes again later");
    taken.nack(pause);
}

/// Whether this worker cannot go on with something of the chunk's video; the others are told so again.
async fn declines(planner: &Planner, chunk: &Chunk) -> bool {
    match planner.plans.load(chunk.video, &chunk.plan).await {
        Ok(plan) => planner.plans.declined.note_again(chunk.video, &plan),
        Err(_) => false,
    }
}

/// Makes what is missing of a chunk; [`Outcome::Waits`] where that is in others' hands.
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
        // Nobody tells of init segments, text and loudness.
        let is_told = matches!(
            chunk.scope,
            Scope::Start | Scope::All | Scope::Lazy | Scope::Poster | Scope::Sheet
        );
        let made = if is_told || is_relisted {
            planner.inventory.known(row.id).await?
        } else {
            is_relisted = true;
            planner.inventory.relisted(row.id).await?
        };
        let backlog = Backlog {
            planner,
            row: &row,
            plan: &plan,
            made: &made,
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

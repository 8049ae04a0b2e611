//! The stills that a video needs before it is ready: its poster and its storyboard. One that
//! cannot be made is done without, which a note in the row says.

use std::sync::Arc;

use plan::{Code, Note, Plan, VideoId};
use store::metadata::VideoRow;
use transcoder::Still;

use super::maker::StillMaker;
use crate::encoding::session::{EncodingSession, SessionError, Standing};
use crate::videos::notes;

/// Faults at a still before the video goes without it.
const TRIES: u32 = 3;

/// Makes one, unless somebody has.
pub(crate) async fn needed(
    stills: &StillMaker,
    run: &mut EncodingSession,
    still: Still,
) -> Result<(), SessionError> {
    let _turn = stills.permit.acquire().await;
    // Whoever had the turn before may have made it.
    let made = stills.planner.inventory.known(run.video()).await?;
    let board = run.storyboard();
    let is_made = match still {
        Still::Sheet(sheet) => board.is_some_and(|board| made.has(board, sheet)),
        _ => made.has_poster(),
    };
    if is_made {
        return Ok(());
    }
    run.still(still).await
}

/// All of them, beside a video's segments. What goes wrong here the background comes to.
pub(crate) async fn beside(stills: Arc<StillMaker>, row: VideoRow, plan: Arc<Plan>) {
    let made = async {
        let share = stills
            .planner
            .sessions
            .memory
            .try_take(stills.planner.sessions.memory_for(&plan, &[]));
        let share = share.ok_or(SessionError::Busy)?;
        let mut run =
            EncodingSession::open(&stills.planner.sessions, &row, Standing::Background, share)?;
        run.plan(&plan).await;
        needed(&stills, &mut run, Still::Poster).await?;
        let sheets = plan.storyboard.as_ref().map_or(0, |board| board.sheets());
        for sheet in 0..sheets {
            needed(&stills, &mut run, Still::Sheet(sheet)).await?;
        }
        Ok::<_, SessionError>(())
    };
    if let Err(error) = made.await {
        tracing::debug!(%error, video = %row.id, "stills are left for later");
    }
}

/// The engine failed at one by its own doing: the poster, or this sheet.
pub(crate) async fn failed(
    stills: &StillMaker,
    video: VideoId,
    plan: &Plan,
    sheet: Option<u32>,
    code: Code,
) -> Result<(), store::Error> {
    let faults = {
        let mut faults = stills.planner.still_faults.lock();
        let faults = faults.entry((video, sheet)).or_default();
        *faults += 1;
        *faults
    };
    // Where the note could not be written, the next fault writes it.
    if faults < TRIES {
        return Ok(());
    }
    let (message, span_us) = missing(plan, sheet);
    let note = Note {
        track: None,
        code,
        message: message.to_owned(),
        span_us,
    };
    notes::add(&stills.planner.records, video, note).await
}

/// What is said of one that is done without, and where it is missing.
fn missing(plan: &Plan, sheet: Option<u32>) -> (&'static str, Option<(i64, i64)>) {
    let board = plan.storyboard.as_ref();
    let message = match sheet {
        Some(_) => "A part of the preview pictures could not be made.",
        None => "No poster could be made.",
    };
    let span_us = board.zip(sheet);
    (
        message,
        span_us.map(|(board, sheet)| board.sheet_span_us(sheet)),
    )
}

/// Whether one is done without.
pub(crate) fn is_done_without(row: &VideoRow, plan: &Plan, sheet: Option<u32>) -> bool {
    if row.notes.is_empty() {
        return false;
    }
    let missing = missing(plan, sheet);
    let said = row.notes.iter();
    said.map(|note| (note.message.as_str(), note.span_us))
        .any(|said| said == missing)
}

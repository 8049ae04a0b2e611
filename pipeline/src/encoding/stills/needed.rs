//! The stills that a video needs before it is ready: its poster and its storyboard. A video goes without a still that
//! cannot be made, and a note in its row says so.

use std::sync::Arc;

use plan::{Code, Note, Plan, VideoId};
use store::metadata::VideoRow;
use transcoder::Still;

use super::maker::StillMaker;
use crate::encoding::session::{EncodingSession, SessionError, Standing};
use crate::videos::notes;

/// Engine failures at a still after which the video goes without it.
const TRIES: u32 = 3;

/// Makes a still in this session, unless it is stored already.
pub(crate) async fn make_needed(
    stills: &StillMaker,
    session: &mut EncodingSession,
    still: Still,
) -> Result<(), SessionError> {
    let _turn = stills.permit.acquire().await;
    // The holder of the permit before may have made this still.
    let inventory = stills.planner.inventory.known(session.video()).await?;
    let board = session.storyboard();
    let is_made = match still {
        Still::Sheet(sheet) => board.is_some_and(|board| inventory.has(board, sheet)),
        _ => inventory.has_poster(),
    };
    if is_made {
        return Ok(());
    }
    session.make_still(still).await
}

/// Makes all stills of a video while other sessions make its segments. The background makes later what fails here.
pub(crate) async fn make_beside_segments(stills: Arc<StillMaker>, row: VideoRow, plan: Arc<Plan>) {
    let making = async {
        let share = stills
            .planner
            .sessions
            .memory
            .try_take(stills.planner.sessions.memory_for(&plan, &[]));
        let share = share.ok_or(SessionError::Busy)?;
        let mut session =
            EncodingSession::open(&stills.planner.sessions, &row, Standing::Background, share)?;
        session.set_plan(&plan).await;
        make_needed(&stills, &mut session, Still::Poster).await?;
        let sheets = plan.storyboard.as_ref().map_or(0, |board| board.sheets());
        for sheet in 0..sheets {
            make_needed(&stills, &mut session, Still::Sheet(sheet)).await?;
        }
        Ok::<_, SessionError>(())
    };
    if let Err(error) = making.await {
        tracing::debug!(%error, video = %row.id, "stills were not made; the background makes them later");
    }
}

/// Counts a failure of the engine at a still: the poster (`None`) or a storyboard sheet. After the last try a note says
/// that the video goes without the still.
pub(crate) async fn record_failure(
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
    // If the note cannot be written, the next failure writes it.
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

/// The note's message and time span for a still that the video goes without: the poster (`None`) or a storyboard sheet.
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

/// Whether a note in the row says that the video goes without this still: the poster (`None`) or a storyboard sheet.
pub(crate) fn is_done_without(row: &VideoRow, plan: &Plan, sheet: Option<u32>) -> bool {
    if row.notes.is_empty() {
        return false;
    }
    let missing = missing(plan, sheet);
    let said = row.notes.iter();
    said.map(|note| (note.message.as_str(), note.span_us))
        .any(|said| said == missing)
}

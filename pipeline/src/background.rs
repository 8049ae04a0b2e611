//! Everything gets encoded: what is left is the plan minus what is stored, looked for again
//! after every chunk. Interactive uploads come before bulk ones, owners take turns.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use plan::{OwnerId, Plan, RenditionId, VideoId, WorkKind};
use store::metadata::{PageRequest, State, VideoRow};
use transcoder::Still;

use crate::inner::Inner;
use crate::made::{self, MadeSet};
use crate::run::{Run, RunError, Standing};
use crate::{finalize, plans, tries};

/// Rows looked at for the next chunk.
const PAGE: u32 = 200;
/// When nothing has been announced for so long, look anyway: announcements are hints.
const SAFETY: Duration = Duration::from_secs(30);
/// After a trouble that is not the segment's, such as a full disk.
const PAUSE: Duration = Duration::from_secs(2);

/// One piece of background work.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Piece {
    Segments {
        renditions: Vec<RenditionId>,
        first: u32,
        count: u32,
    },
    Poster,
    Sheet(u32),
    Finalize,
}

pub(crate) async fn run(inner: Arc<Inner>) {
    let mut turns: HashMap<OwnerId, u64> = HashMap::new();
    let mut turn = 0;
    let mut warm: Option<(VideoId, Run)> = None;
    loop {
        match next_video(&inner, &turns).await {
            Ok(Some(row)) => {
                turn += 1;
                turns.insert(row.owner, turn);
                // A session is warm for the video it was opened for.
                let run = warm
                    .take()
                    .filter(|(video, _)| *video == row.id)
                    .map(|(_, run)| run);
                match work_at(&inner, &row, run).await {
                    Ok(run) => warm = run.map(|run| (row.id, run)),
                    Err(error) => {
                        tracing::warn!(%error, video = %row.id, "background work stopped short");
                        inner.stores.clock.sleep(PAUSE).await;
                    }
                }
            }
            Ok(None) => {
                warm = None;
                tokio::select! {
                    () = inner.work.notified() => {}
                    () = inner.stores.clock.sleep(SAFETY) => {}
                }
            }
            Err(error) => {
                tracing::warn!(%error, "unfinished videos cannot be listed");
                inner.stores.clock.sleep(PAUSE).await;
            }
        }
    }
}

/// The video whose turn it is: interactive first, then the owner served longest ago, then
/// the oldest.
async fn next_video(
    inner: &Inner,
    turns: &HashMap<OwnerId, u64>,
) -> Result<Option<VideoRow>, store::Error> {
    let rows = inner
        .stores
        .metadata
        .videos()
        .list_unfinished(&PageRequest::first(PAGE))
        .await?;
    let playable = rows
        .items
        .into_iter()
        .filter(|row| row.state == State::Playable);
    Ok(playable.min_by_key(|row| {
        let served = turns.get(&row.owner).copied().unwrap_or(0);
        (row.priority, served, row.created_at_us)
    }))
}

/// Does the next piece of work at a video; hands back the session if it is still good.
async fn work_at(
    inner: &Arc<Inner>,
    row: &VideoRow,
    run: Option<Run>,
) -> Result<Option<Run>, RunError> {
    let Some(hash) = &row.current_plan else {
        return Ok(run);
    };
    let plan = plans::load(inner, row.id, hash).await?;
    let made = made::known(inner, row.id).await?;
    let piece = next_piece(&plan, &made);
    if piece == Piece::Finalize {
        finalize::finalize(inner, row, &plan).await?;
        return Ok(None);
    }
    let mut run = match run {
        Some(run) => run,
        None => {
            let run = Run::open(inner, row, Standing::Background)?;
            run.plan(&plan).await;
            run
        }
    };
    let done = match &piece {
        Piece::Segments {
            renditions,
            first,
            count,
        } => run.segments(renditions.clone(), *first, *count).await,
        Piece::Poster => run.still(Still::Poster).await,
        Piece::Sheet(sheet) => run.still(Still::Sheet(*sheet)).await,
        Piece::Finalize => Ok(()),
    };
    match done {
        Ok(()) => Ok(Some(run)),
        Err(error) => {
            drop(run);
            tries::after(inner, row, &plan, &piece, error).await?;
            Ok(None)
        }
    }
}

/// What comes next: the start rungs and sound of chunk 0, the poster, all of chunks 0 and 1,
/// then the rest in order, then the storyboard.
pub(crate) fn next_piece(plan: &Plan, made: &MadeSet) -> Piece {
    if let Some(piece) = missing(plan, made, 0, WorkKind::Start) {
        return piece;
    }
    if !plan.video.is_empty() && !made.poster {
        return Piece::Poster;
    }
    for chunk in 0..plan.chunks() {
        if let Some(piece) = missing(plan, made, chunk, WorkKind::All) {
            return piece;
        }
    }
    if let Some(board) = &plan.storyboard
        && let Some(sheet) = (0..board.sheets()).find(|&sheet| !made.has(board.id, sheet))
    {
        return Piece::Sheet(sheet);
    }
    Piece::Finalize
}

/// From the first to the last missing segment of a chunk, in the renditions that lack any.
fn missing(plan: &Plan, made: &MadeSet, chunk: u32, kind: WorkKind) -> Option<Piece> {
    let (start, end) = plan.chunk_segments(chunk);
    let ids = plan.renditions_of(kind);
    let lacks = |segment: &u32| ids.iter().any(|&id| !made.has(id, *segment));
    let first = (start..end).find(lacks)?;
    let last = (start..end).rev().find(lacks)?;
    let incomplete = |id: &RenditionId| (first..=last).any(|segment| !made.has(*id, segment));
    let renditions = ids.iter().copied().filter(incomplete).collect();
    Some(Piece::Segments {
        renditions,
        first,
        count: last - first + 1,
    })
}

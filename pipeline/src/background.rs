//! Everything gets encoded: what is left is the plan minus what is stored, looked for again
//! after every chunk. Interactive uploads come before bulk ones, owners take turns.

mod pieces;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use plan::{Code, OwnerId, Plan, RenditionId, VideoId, Warning};
use store::Moment;
use store::metadata::{PageRequest, Source, State, VideoRow};
use transcoder::{EngineFailure, Still};

pub(crate) use self::pieces::{Piece, Taken, next_piece};
use crate::inner::Inner;
use crate::run::{Run, RunError, Standing};
use crate::{finalize, life, made, plans, tries, windows};

/// Rows read at once.
const PAGE: u32 = 200;
/// Pages looked at for the next piece of work: more unfinished videos than that wait.
const PAGES: usize = 50;
/// When nothing has been announced for so long, look anyway: announcements are hints.
const SAFETY: Duration = Duration::from_secs(30);
/// The first pause after a trouble that is not the segment's, such as a full disk; it
/// doubles each time.
const PAUSE: Duration = Duration::from_secs(1);
/// Doublings of the pause: two minutes.
const DOUBLINGS: u32 = 7;
/// A disk that was full so often in a row is full, and a source that could not be read so
/// often is gone.
const LASTING: u32 = 4;
/// Faults at a still before the video goes without it.
const STILL_TRIES: u32 = 3;

/// A video that is left alone for a while.
struct Rest {
    until: Moment,
    troubles: u32,
}

struct Background {
    inner: Arc<Inner>,
    turns: HashMap<OwnerId, u64>,
    turn: u64,
    rests: HashMap<VideoId, Rest>,
    warm: Option<Run>,
    /// The video whose stills are made beside its segments.
    beside: Option<VideoId>,
}

pub(crate) async fn run(inner: Arc<Inner>) {
    let mut background = Background {
        inner,
        turns: HashMap::new(),
        turn: 0,
        rests: HashMap::new(),
        warm: None,
        beside: None,
    };
    loop {
        background.step().await;
    }
}

/// What became of a look at a video.
enum Outcome {
    /// Something was done.
    Worked,
    /// What is left of it is in others' hands.
    Waits,
}

impl Background {
    async fn step(&mut self) {
        let inner = self.inner.clone();
        match self.next_video().await {
            Ok(Some(row)) => {
                self.turn += 1;
                self.turns.insert(row.owner, self.turn);
                self.until_calm().await;
                match self.work_at(&row).await {
                    Ok(Outcome::Worked) => {
                        self.rests.remove(&row.id);
                    }
                    Ok(Outcome::Waits) => self.rest(row.id, PAUSE),
                    Err(error) => self.trouble(&row, &error).await,
                }
            }
            Ok(None) => {
                self.warm = None;
                let wait = self.rests.values().map(|rest| rest.until).min();
                let safety = inner.stores.clock.now() + SAFETY;
                tokio::select! {
                    () = inner.work.notified() => {}
                    () = inner.stores.clock.sleep_until(wait.map_or(safety, |w| w.min(safety))) => {}
                }
            }
            Err(error) => {
                tracing::warn!(%error, "unfinished videos cannot be listed");
                inner.stores.clock.sleep(PAUSE).await;
            }
        }
    }

    /// No session is opened, and none taken from a window, just to hold; the one that is warm
    /// makes room meanwhile where its memory is needed.
    async fn until_calm(&mut self) {
        let inner = self.inner.clone();
        let mut memory = inner.memory.changes();
        loop {
            if self.warm.as_mut().is_some_and(Run::is_to_leave) {
                self.warm = None;
            }
            tokio::select! {
                () = inner.calm.until(true) => return,
                // The sender lives as long as the pipeline.
                _ = memory.changed() => {}
            }
        }
    }

    fn rest(&mut self, video: VideoId, span: Duration) {
        let until = self.inner.stores.clock.now() + span;
        let rest = self
            .rests
            .entry(video)
            .or_insert(Rest { until, troubles: 0 });
        rest.until = until;
    }

    async fn trouble(&mut self, row: &VideoRow, error: &RunError) {
        self.warm = None;
        let troubles = self.rests.get(&row.id).map_or(0, |rest| rest.troubles) + 1;
        tracing::warn!(%error, video = %row.id, troubles, "background work stopped short");
        let lasting = match error {
            RunError::Store(store::Error::NoSpace) => Some(EngineFailure {
                code: Code::NoSpace,
                message: "No space is left where media is stored.".to_owned(),
            }),
            RunError::Fault(failure) => Some(failure.clone()),
            _ => None,
        };
        if let Some(failure) = lasting
            && troubles >= LASTING
        {
            life::fail(&self.inner, row.id, failure).await;
        }
        let pause = self.inner.config.pause * 2_u32.pow(troubles.min(DOUBLINGS) - 1);
        // Not all of them again at the same moment.
        self.rest(row.id, pause + self.inner.stores.jitter.up_to(pause / 4));
        if let Some(rest) = self.rests.get_mut(&row.id) {
            rest.troubles = troubles;
        }
    }

    /// The video whose turn it is: interactive first, then the owner served longest ago, then
    /// the oldest. Starts whatever waits to be started on the way.
    async fn next_video(&mut self) -> Result<Option<VideoRow>, store::Error> {
        let inner = self.inner.clone();
        let now = inner.stores.clock.now();
        let mut best: Option<((_, u64, i64), VideoRow)> = None;
        let mut page = PageRequest::first(PAGE);
        for _ in 0..PAGES {
            let rows = inner
                .stores
                .metadata
                .videos()
                .list_unfinished(&page)
                .await?;
            for row in rows.items {
                match (row.state, row.source) {
                    (State::Waiting | State::Probing, Source::Complete) => {
                        life::begin(&inner, row.id)
                    }
                    (State::Playable, Source::Complete) => {
                        let rests = self.rests.get(&row.id);
                        // Its first segments are in the making, and its session comes with them.
                        let starting = inner.starting.lock().contains(&row.id);
                        if starting || rests.is_some_and(|rest| rest.until > now) {
                            continue;
                        }
                        let served = self.turns.get(&row.owner).copied().unwrap_or(0);
                        let rank = (row.priority, served, row.created_at_us);
                        if best.as_ref().is_none_or(|(known, _)| rank < *known) {
                            best = Some((rank, row));
                        }
                    }
                    _ => {}
                }
            }
            match rows.next {
                Some(cursor) => page = PageRequest::after(cursor, PAGE),
                None => break,
            }
        }
        if best.is_none() {
            // Nobody waits: whose turn it was does not matter any more.
            self.turns.clear();
            self.rests.retain(|_, rest| rest.until > now);
        }
        Ok(best.map(|(_, row)| row))
    }

    /// Does the next piece of work at a video.
    async fn work_at(&mut self, row: &VideoRow) -> Result<Outcome, RunError> {
        let inner = self.inner.clone();
        let Some(hash) = &row.current_plan else {
            return Ok(Outcome::Waits);
        };
        let plan = plans::load(&inner, row.id, hash).await?;
        let stills = !inner.config.viewers && !plan.video.is_empty();
        if stills && self.beside.replace(row.id) != Some(row.id) {
            inner.spawn(stills_beside(inner.clone(), row.clone(), plan.clone()));
        }
        let made = made::known(&inner, row.id).await?;
        let piece = next_piece(&plan, &made, &Taken::of(&inner, row.id));
        match &piece {
            Piece::Finalize => {
                self.warm = None;
                finalize::finalize(&inner, row, &plan).await?;
                return Ok(Outcome::Worked);
            }
            Piece::Wait => return Ok(Outcome::Waits),
            Piece::Segments { .. } | Piece::Poster | Piece::Sheet(_) => {}
        }
        let renditions: &[RenditionId] = match &piece {
            Piece::Segments { renditions, .. } => renditions,
            _ => &[],
        };
        let bytes = inner.memory_for(&plan, renditions);
        let mut run = match self.session(row, &plan, bytes).await {
            Ok(run) => run,
            // Others, who cannot wait, have the memory.
            Err(RunError::Busy) => return Ok(Outcome::Waits),
            Err(error) => return Err(error),
        };
        let done = match &piece {
            Piece::Segments {
                renditions,
                first,
                count,
            } => run.segments(renditions, *first, *count).await,
            Piece::Poster => still(&inner, &mut run, Still::Poster).await,
            Piece::Sheet(sheet) => still(&inner, &mut run, Still::Sheet(*sheet)).await,
            Piece::Finalize | Piece::Wait => Ok(()),
        };
        match done {
            Ok(()) => {
                self.warm = Some(run);
                Ok(Outcome::Worked)
            }
            Err(error) => {
                drop(run);
                self.after(row, &plan, &piece, error).await
            }
        }
    }

    /// The session that is warm for this video, or a new one, with this much memory.
    async fn session(
        &mut self,
        row: &VideoRow,
        plan: &Arc<Plan>,
        bytes: u64,
    ) -> Result<Run, RunError> {
        let warm = self.warm.take().filter(|run| run.video() == row.id);
        let warm = warm.or_else(|| windows::warm(&self.inner, row.id));
        let mut run = match warm.and_then(|run| run.grown(bytes)) {
            Some(run) => run,
            None => {
                let share = self.inner.memory.try_take(bytes).ok_or(RunError::Busy)?;
                Run::open(&self.inner, row, Standing::Background, share)?
            }
        };
        run.set_standing(Standing::Background);
        run.plan(plan).await;
        Ok(run)
    }

    /// Decides what follows from a failure.
    async fn after(
        &self,
        row: &VideoRow,
        plan: &Arc<Plan>,
        piece: &Piece,
        error: RunError,
    ) -> Result<Outcome, RunError> {
        let inner = &self.inner;
        tracing::debug!(%error, video = %row.id, ?piece, "a piece of work stopped short");
        match (error, piece) {
            // Somebody else needed the memory.
            (RunError::Busy, _) => Ok(Outcome::Waits),
            // Deleted meanwhile.
            (RunError::Store(store::Error::NotFound), _) => Ok(Outcome::Waits),
            // Not the segment's fault: it is made when the source is there again.
            (error, _) if error.is_unreachable() => Err(error),
            (
                RunError::Fault(_),
                Piece::Segments {
                    renditions,
                    first,
                    count,
                },
            ) => {
                let work = tries::Work {
                    renditions,
                    first: *first,
                    count: *count,
                };
                tries::isolate(inner, row, plan, work, Standing::Background).await?;
                Ok(Outcome::Worked)
            }
            (RunError::Deadly(segment), Piece::Segments { renditions, .. }) => {
                tries::bury(inner, row, plan, renditions, segment).await?;
                Ok(Outcome::Worked)
            }
            // Nobody's fault that can be named: it is simply offered again.
            (RunError::Unexplained, Piece::Segments { .. }) => Ok(Outcome::Worked),
            (RunError::Fault(_) | RunError::Unexplained, Piece::Poster | Piece::Sheet(_)) => {
                still_failed(inner, row, piece).await?;
                Ok(Outcome::Worked)
            }
            (other, _) => Err(other),
        }
    }
}

async fn still(inner: &Inner, run: &mut Run, still: Still) -> Result<(), RunError> {
    let _turn = inner.stills.acquire().await;
    // Whoever had the turn before may have made it.
    let made = made::known(inner, run.video()).await?;
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

/// All stills that a video needs, beside its segments. What goes wrong here the background
/// comes to.
async fn stills_beside(inner: Arc<Inner>, row: VideoRow, plan: Arc<Plan>) {
    let made = async {
        let share = inner.memory.try_take(inner.memory_for(&plan, &[]));
        let share = share.ok_or(RunError::Busy)?;
        let mut run = Run::open(&inner, &row, Standing::Background, share)?;
        run.plan(&plan).await;
        still(&inner, &mut run, Still::Poster).await?;
        let sheets = plan.storyboard.as_ref().map_or(0, |board| board.sheets());
        for sheet in 0..sheets {
            still(&inner, &mut run, Still::Sheet(sheet)).await?;
        }
        Ok::<_, RunError>(())
    };
    if let Err(error) = made.await {
        tracing::debug!(%error, video = %row.id, "stills are left for later");
    }
}

/// A still that cannot be made is done without, and said so: the video can be watched.
async fn still_failed(inner: &Inner, row: &VideoRow, piece: &Piece) -> Result<(), store::Error> {
    let sheet = match piece {
        Piece::Sheet(sheet) => Some(*sheet),
        _ => None,
    };
    let faults = {
        let mut faults = inner.still_faults.lock();
        let faults = faults.entry((row.id, sheet)).or_default();
        *faults += 1;
        *faults
    };
    if faults != STILL_TRIES {
        return Ok(());
    }
    let message = match sheet {
        Some(_) => "A part of the preview pictures could not be made.",
        None => "No poster could be made.",
    };
    let warning = Warning {
        code: Code::Internal,
        message: message.to_owned(),
        span_us: None,
    };
    let add = |row: &mut VideoRow| {
        let new = !row.warnings.contains(&warning);
        if new {
            row.warnings.push(warning.clone());
        }
        new
    };
    inner.change(row.id, add).await.map(drop)
}

/// Whether a still is done without.
pub(crate) fn is_done_without(inner: &Inner, video: VideoId, sheet: Option<u32>) -> bool {
    let faults = inner.still_faults.lock();
    faults
        .get(&(video, sheet))
        .is_some_and(|faults| *faults >= STILL_TRIES)
}

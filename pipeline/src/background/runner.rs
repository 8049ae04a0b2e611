//! A hand at background work: does one piece after another, with a session that stays warm
//! from one piece of a video to the next.

use std::sync::Arc;

use plan::{Code, Plan, RenditionId};
use store::metadata::VideoRow;
use transcoder::Still;

use crate::background::backlog::Piece;
use crate::encoding::session::{EncodingSession, SessionError, Standing};
use crate::encoding::stills::StillMaker;
use crate::encoding::windows::registry::Windows;
use crate::encoding::{stills, tries, windows};
use crate::plans::planner::Planner;
use crate::plans::{loudness, new_encoder, texts};
use crate::videos::failure;

/// What became of a piece of work.
pub(crate) enum Outcome {
    /// Something was done.
    Worked,
    /// What is left of it is in others' hands.
    Waits,
}

pub(crate) struct BackgroundRunner {
    planner: Arc<Planner>,
    windows: Arc<Windows>,
    stills: Arc<StillMaker>,
    warm: Option<EncodingSession>,
}

impl BackgroundRunner {
    pub(crate) fn new(
        planner: &Arc<Planner>,
        windows: &Arc<Windows>,
        stills: &Arc<StillMaker>,
    ) -> Self {
        Self {
            planner: planner.clone(),
            windows: windows.clone(),
            stills: stills.clone(),
            warm: None,
        }
    }

    /// Lets the warm session go.
    pub(crate) fn rest(&mut self) {
        self.warm = None;
    }

    /// Ends when nothing is made for viewers. No session is opened, and none taken from a
    /// window, just to hold; the one that is warm makes room meanwhile where its memory is
    /// needed.
    pub(crate) async fn until_calm(&mut self) {
        let planner = self.planner.clone();
        let mut memory = planner.sessions.memory.changes();
        loop {
            if self.warm.as_mut().is_some_and(EncodingSession::is_to_leave) {
                self.warm = None;
            }
            tokio::select! {
                () = planner.sessions.gate.until(true) => return,
                // The sender lives as long as the pipeline.
                _ = memory.changed() => {}
            }
        }
    }

    /// Waits for something; the warm session goes when its memory is needed, or when it has
    /// waited for long.
    pub(crate) async fn warm_until<T>(&mut self, something: impl Future<Output = T>) -> T {
        let planner = self.planner.clone();
        let mut memory = planner.sessions.memory.changes();
        let cold = planner.records.stores.clock.now() + planner.config.window_idle;
        tokio::pin!(something);
        loop {
            if self.warm.as_mut().is_some_and(EncodingSession::is_to_leave) {
                self.warm = None;
            }
            let is_warm = self.warm.is_some();
            tokio::select! {
                done = &mut something => return done,
                // The sender lives as long as the pipeline.
                _ = memory.changed(), if is_warm => {}
                () = planner.records.stores.clock.sleep_until(cold), if is_warm => self.warm = None,
            }
        }
    }

    /// Makes a piece of a video.
    pub(crate) async fn make(
        &mut self,
        row: &VideoRow,
        plan: &Arc<Plan>,
        piece: &Piece,
    ) -> Result<Outcome, SessionError> {
        let planner = self.planner.clone();
        let renditions: &[RenditionId] = match piece {
            Piece::Segments { renditions, .. } | Piece::Inits(renditions) => renditions,
            Piece::Poster | Piece::Sheet(_) | Piece::Texts | Piece::Loudness => &[],
        };
        let bytes = planner.sessions.memory_for(plan, renditions);
        let mut run = match self.session(row, plan, bytes).await {
            Ok(run) => run,
            // Others, who cannot wait, have the memory.
            Err(SessionError::Busy) => return Ok(Outcome::Waits),
            Err(error) => return Err(error),
        };
        let done = match piece {
            Piece::Segments {
                renditions,
                first,
                count,
            } => run.segments(renditions, *first, *count).await,
            Piece::Inits(renditions) => match run.inits(renditions).await {
                Ok(foreign) if !foreign.is_empty() => Err(SessionError::Foreign(foreign[0])),
                made => made.map(drop),
            },
            Piece::Poster => stills::needed(&self.stills, &mut run, Still::Poster).await,
            Piece::Sheet(sheet) => {
                stills::needed(&self.stills, &mut run, Still::Sheet(*sheet)).await
            }
            Piece::Texts => texts::needed(&planner, &mut run).await,
            Piece::Loudness => loudness::needed(&planner, &mut run, plan).await,
        };
        match done {
            Ok(()) => {
                self.warm = Some(run);
                Ok(Outcome::Worked)
            }
            Err(error) => {
                drop(run);
                match self.after(row, plan, piece, error).await {
                    Err(SessionError::Foreign(rendition)) => {
                        let standing = Standing::Background;
                        Ok(
                            match new_encoder::decline(&planner, row, rendition, standing).await? {
                                true => Outcome::Worked,
                                // Others may go on with it.
                                false => Outcome::Waits,
                            },
                        )
                    }
                    outcome => outcome,
                }
            }
        }
    }

    /// The session that is warm for this video, or a new one, with this much memory.
    async fn session(
        &mut self,
        row: &VideoRow,
        plan: &Arc<Plan>,
        bytes: u64,
    ) -> Result<EncodingSession, SessionError> {
        let warm = match self.warm.take() {
            Some(run) if run.video() == row.id => Some(run),
            // What it has is needed here.
            Some(other) => {
                other.end().await;
                None
            }
            None => None,
        };
        let warm = warm.or_else(|| windows::warm(&self.windows, row.id));
        let warm = match warm {
            Some(run) => run.grown(bytes).await,
            None => None,
        };
        let mut run = match warm {
            Some(run) => run,
            None => {
                let share = self
                    .planner
                    .sessions
                    .memory
                    .try_take(bytes)
                    .ok_or(SessionError::Busy)?;
                EncodingSession::open(&self.planner.sessions, row, Standing::Background, share)?
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
        error: SessionError,
    ) -> Result<Outcome, SessionError> {
        let planner = &self.planner;
        tracing::debug!(%error, video = %row.id, ?piece, "a piece of work stopped short");
        let code = match &error {
            SessionError::Fault(failure) => failure.code,
            _ => Code::EngineCrashed,
        };
        match (error, piece) {
            // Somebody else needed the memory.
            (SessionError::Busy, _) => Ok(Outcome::Waits),
            // Deleted meanwhile.
            (SessionError::Store(store::Error::NotFound), _) => Ok(Outcome::Waits),
            // Not the segment's fault: it is made when the source is there again.
            (error, _) if error.is_unreachable() => Err(error),
            (
                SessionError::Fault(_),
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
                tries::isolate(planner, row, plan, work, Standing::Background).await?;
                Ok(Outcome::Worked)
            }
            (SessionError::Deadly(segment), Piece::Segments { renditions, .. }) => {
                tries::bury(planner, row, plan, renditions, segment).await?;
                Ok(Outcome::Worked)
            }
            // Nobody's fault that can be named: it is simply offered again.
            (SessionError::Unexplained, Piece::Segments { .. }) => Ok(Outcome::Worked),
            (
                SessionError::Fault(_) | SessionError::Unexplained,
                Piece::Poster | Piece::Sheet(_),
            ) => {
                let sheet = match piece {
                    Piece::Sheet(sheet) => Some(*sheet),
                    _ => None,
                };
                stills::failed(&self.stills, row.id, plan, sheet, code).await?;
                Ok(Outcome::Worked)
            }
            // No encoder for them: nothing that comes later helps.
            (SessionError::Fault(failure), Piece::Inits(_)) => {
                failure::fail(&planner.records, row.id, failure).await;
                Ok(Outcome::Worked)
            }
            (SessionError::Fault(_) | SessionError::Unexplained, Piece::Texts) => {
                texts::failed(planner, row.id, code).await?;
                Ok(Outcome::Worked)
            }
            (SessionError::Fault(_) | SessionError::Unexplained, Piece::Loudness) => {
                loudness::failed(planner, row.id, code).await?;
                Ok(Outcome::Worked)
            }
            (other, _) => Err(other),
        }
    }
}

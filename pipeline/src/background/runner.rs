//! The runner of background work: makes one piece of a video after another, with a session that stays warm from one
//! piece of a video to the next.

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

/// Outcome of one piece of work.
pub(crate) enum Outcome {
    /// Something was made.
    Worked,
    /// Other sessions have claimed what is left of the piece, or need the memory.
    Waits,
}

/// Makes pieces of background work one after another.
pub(crate) struct BackgroundRunner {
    planner: Arc<Planner>,
    windows: Arc<Windows>,
    stills: Arc<StillMaker>,
    /// The session of the last piece, kept for the next piece of the same video.
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

    /// Ends the warm session.
    pub(crate) fn end_session(&mut self) {
        self.warm = None;
    }

    /// Waits until nothing is made for viewers. No session is opened, and none is taken from a window, only to wait;
    /// the warm session ends meanwhile if its memory is needed elsewhere.
    pub(crate) async fn until_gate_opens(&mut self) {
        let planner = self.planner.clone();
        let mut memory = planner.sessions.memory.changes();
        loop {
            if self
                .warm
                .as_mut()
                .is_some_and(EncodingSession::agree_to_end_while_idle)
            {
                self.warm = None;
            }
            tokio::select! {
                () = planner.sessions.gate.until(true) => return,
                // An error is impossible: the pipeline owns the sender.
                _ = memory.changed() => {}
            }
        }
    }

    /// Waits for a future. The warm session ends when its memory is needed elsewhere, or when it has been idle for
    /// `window_idle`.
    pub(crate) async fn warm_until<T>(&mut self, something: impl Future<Output = T>) -> T {
        let planner = self.planner.clone();
        let mut memory = planner.sessions.memory.changes();
        let cold = planner.records.stores.clock.now() + planner.config.window_idle;
        tokio::pin!(something);
        loop {
            if self
                .warm
                .as_mut()
                .is_some_and(EncodingSession::agree_to_end_while_idle)
            {
                self.warm = None;
            }
            let is_warm = self.warm.is_some();
            tokio::select! {
                done = &mut something => return done,
                // An error is impossible: the pipeline owns the sender.
                _ = memory.changed(), if is_warm => {}
                () = planner.records.stores.clock.sleep_until(cold), if is_warm => self.warm = None,
            }
        }
    }

    /// Makes one piece of a video.
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
        let mut session = match self.session(row, plan, bytes).await {
            Ok(session) => session,
            // Sessions that cannot wait have the memory.
            Err(SessionError::Busy) => return Ok(Outcome::Waits),
            Err(error) => return Err(error),
        };
        let done = match piece {
            Piece::Segments {
                renditions,
                first,
                count,
            } => session.make_segments(renditions, *first, *count).await,
            Piece::Inits(renditions) => match session.make_inits(renditions).await {
                Ok(foreign) if !foreign.is_empty() => Err(SessionError::Foreign(foreign[0])),
                made => made.map(drop),
            },
            Piece::Poster => stills::make_needed(&self.stills, &mut session, Still::Poster).await,
            Piece::Sheet(sheet) => {
                stills::make_needed(&self.stills, &mut session, Still::Sheet(*sheet)).await
            }
            Piece::Texts => texts::make_needed(&planner, &mut session).await,
            Piece::Loudness => loudness::make_needed(&planner, &mut session, plan).await,
        };
        match done {
            Ok(()) => {
                self.warm = Some(session);
                Ok(Outcome::Worked)
            }
            Err(error) => {
                drop(session);
                match self.handle_failure(row, plan, piece, error).await {
                    Err(SessionError::Foreign(rendition)) => {
                        let standing = Standing::Background;
                        Ok(
                            match new_encoder::decline(&planner, row, rendition, standing).await? {
                                true => Outcome::Worked,
                                // Other workers may be able to continue the rendition.
                                false => Outcome::Waits,
                            },
                        )
                    }
                    outcome => outcome,
                }
            }
        }
    }

    /// Returns the session that is warm for this video, or a new one, with this much memory in bytes.
    async fn session(
        &mut self,
        row: &VideoRow,
        plan: &Arc<Plan>,
        bytes: u64,
    ) -> Result<EncodingSession, SessionError> {
        let warm = match self.warm.take() {
            Some(session) if session.video() == row.id => Some(session),
            // The memory of another video's session is needed here.
            Some(other) => {
                other.end().await;
                None
            }
            None => None,
        };
        let warm = warm.or_else(|| windows::take_warm_session(&self.windows, row.id));
        let warm = match warm {
            Some(session) => session.with_memory(bytes).await,
            None => None,
        };
        let mut session = match warm {
            Some(session) => session,
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
        session.set_standing(Standing::Background);
        session.set_plan(plan).await;
        Ok(session)
    }

    /// Decides what follows from a failure.
    async fn handle_failure(
        &self,
        row: &VideoRow,
        plan: &Arc<Plan>,
        piece: &Piece,
        error: SessionError,
    ) -> Result<Outcome, SessionError> {
        let planner = &self.planner;
        tracing::debug!(%error, video = %row.id, ?piece, "a piece of background work failed");
        let code = match &error {
            SessionError::Fault(failure) => failure.code,
            _ => Code::EngineCrashed,
        };
        match (error, piece) {
            // Another session needed the memory.
            (SessionError::Busy, _) => Ok(Outcome::Waits),
            // The video was deleted meanwhile.
            (SessionError::Store(store::Error::NotFound), _) => Ok(Outcome::Waits),
            // No segment is at fault: the piece is made when the source can be read again.
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
                tries::try_suspects(planner, row, plan, work, Standing::Background).await?;
                Ok(Outcome::Worked)
            }
            (SessionError::Deadly(segment), Piece::Segments { renditions, .. }) => {
                tries::fill_deadly_segment(planner, row, plan, renditions, segment).await?;
                Ok(Outcome::Worked)
            }
            // The cause is unknown, so the piece is simply made again.
            (SessionError::Unexplained, Piece::Segments { .. }) => Ok(Outcome::Worked),
            (
                SessionError::Fault(_) | SessionError::Unexplained,
                Piece::Poster | Piece::Sheet(_),
            ) => {
                let sheet = match piece {
                    Piece::Sheet(sheet) => Some(*sheet),
                    _ => None,
                };
                stills::record_failure(&self.stills, row.id, plan, sheet, code).await?;
                Ok(Outcome::Worked)
            }
            // No encoder can make the init segments, and nothing that comes later helps.
            (SessionError::Fault(failure), Piece::Inits(_)) => {
                failure::fail(&planner.records, row.id, failure).await;
                Ok(Outcome::Worked)
            }
            (SessionError::Fault(_) | SessionError::Unexplained, Piece::Texts) => {
                texts::record_failure(planner, row.id, code).await?;
                Ok(Outcome::Worked)
            }
            (SessionError::Fault(_) | SessionError::Unexplained, Piece::Loudness) => {
                loudness::record_failure(planner, row.id, code).await?;
                Ok(Outcome::Worked)
            }
            (other, _) => Err(other),
        }
    }
}

//! A piece of work failed by the engine's own doing: what it failed at is tried alone, each
//! try is counted, and a filler is put where three did not help.

use std::sync::Arc;

use plan::{Code, Note, Plan, RenditionId, SegmentKey};
use store::metadata::VideoRow;
use transcoder::EngineFailure;

use crate::encoding::session::{EncodingSession, SessionError, Standing};
use crate::plans::passthrough;
use crate::plans::planner::Planner;
use crate::videos::notes;

/// Counted tries after which a filler is stored.
const TRIES: u32 = 3;

/// What was to be made when the engine failed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Work<'a> {
    pub(crate) renditions: &'a [RenditionId],
    pub(crate) first: u32,
    pub(crate) count: u32,
}

/// Makes the segments that the work may have failed at, one time at a time, or fillers in
/// their place. What the session was at is the first unmade segment of each rendition: the
/// rungs share one decode; what is passed through and each sound are by themselves.
pub(crate) async fn isolate(
    planner: &Arc<Planner>,
    row: &VideoRow,
    plan: &Arc<Plan>,
    work: Work<'_>,
    standing: Standing,
) -> Result<(), SessionError> {
    let made = planner.inventory.known(row.id).await?;
    let unmade = |id: RenditionId| {
        let mut segments = work.first..work.first.saturating_add(work.count);
        segments
            .find(|&segment| !made.has(id, segment))
            .map(|segment| (id, segment))
    };
    let suspects = work.renditions.iter().filter_map(|&id| unmade(id));
    let is_decoded = |id: RenditionId| {
        let rung = plan.video_rendition(id);
        rung.is_some_and(|rung| rung.passed_through.is_none())
    };
    let (pictures, others): (Vec<_>, Vec<_>) = suspects.partition(|(id, _)| is_decoded(*id));
    let trial = Trial {
        planner,
        row,
        plan,
        standing,
    };
    if let Some(segment) = pictures.iter().map(|(_, segment)| *segment).min() {
        let rungs = pictures.iter().filter(|(_, at)| *at == segment);
        trial
            .of(rungs.map(|(id, _)| *id).collect(), segment)
            .await?;
    }
    for (other, segment) in others {
        trial.of(vec![other], segment).await?;
    }
    Ok(())
}

/// Puts fillers where engines keep dying without a word: so many ends of that kind count as
/// all the tries there are. What can be made alone is made.
pub(crate) async fn bury(
    planner: &Arc<Planner>,
    row: &VideoRow,
    plan: &Arc<Plan>,
    renditions: &[RenditionId],
    segment: u32,
) -> Result<(), SessionError> {
    // Leaves no mark, which would count the ends again.
    let trial = Trial {
        planner,
        row,
        plan,
        standing: Standing::Ahead,
    };
    let made = planner.inventory.known(row.id).await?;
    for &rendition in renditions.iter().filter(|&&id| !made.has(id, segment)) {
        let failure = match trial.attempt(&[rendition], segment).await {
            Ok(()) => continue,
            Err(error) if error.is_unreachable() => return Err(error),
            Err(SessionError::Fault(failure)) => failure,
            Err(SessionError::Unexplained) => EngineFailure {
                code: Code::EngineCrashed,
                message: "engines keep dying here".to_owned(),
            },
            Err(other) => return Err(other),
        };
        trial.fill(rendition, segment, failure).await?;
    }
    Ok(())
}

struct Trial<'a> {
    planner: &'a Arc<Planner>,
    row: &'a VideoRow,
    plan: &'a Arc<Plan>,
    standing: Standing,
}

impl Trial<'_> {
    /// Tries a segment until it is made, or is a filler.
    async fn of(&self, renditions: Vec<RenditionId>, segment: u32) -> Result<(), SessionError> {
        let tries = self.planner.records.stores.metadata.tries();
        // Each round counts a try of some rendition, or makes one.
        let rounds = (TRIES as usize + 1) * renditions.len();
        for _ in 0..rounds {
            let made = self.planner.inventory.known(self.row.id).await?;
            let mut unmade = renditions
                .iter()
                .copied()
                .filter(|&id| !made.has(id, segment));
            let Some(first) = unmade.next() else {
                return Ok(());
            };
            let counted = tries.get(&self.key(first, segment)).await?.counted;
            // The last try is each one's own: it is not to suffer for another rung.
            let mut together = vec![first];
            if counted + 1 < TRIES {
                together.extend(unmade);
            }
            match self.attempt(&together, segment).await {
                Ok(()) => {
                    let made = self.planner.inventory.known(self.row.id).await?;
                    if !made.has(first, segment) {
                        // In somebody else's hands.
                        return Ok(());
                    }
                }
                Err(error) if error.is_unreachable() => return Err(error),
                Err(SessionError::Fault(failure)) => {
                    for &rendition in &together {
                        let key = self.key(rendition, segment);
                        if tries.record_try(&key).await?.counted >= TRIES {
                            self.fill(rendition, segment, failure.clone()).await?;
                        }
                    }
                }
                Err(other) => return Err(other),
            }
        }
        Ok(())
    }

    fn key(&self, rendition: RenditionId, index: u32) -> SegmentKey {
        SegmentKey {
            video: self.row.id,
            rendition,
            index,
        }
    }

    async fn open(&self, renditions: &[RenditionId]) -> Result<EncodingSession, SessionError> {
        let bytes = self.planner.sessions.memory_for(self.plan, renditions);
        let share = self.planner.sessions.memory.take(bytes).await;
        let mut run =
            EncodingSession::open(&self.planner.sessions, self.row, self.standing, share)?;
        run.plan(self.plan).await;
        Ok(run)
    }

    async fn attempt(&self, renditions: &[RenditionId], segment: u32) -> Result<(), SessionError> {
        let mut run = self.open(renditions).await?;
        run.segments(renditions, segment, 1).await
    }

    async fn fill(
        &self,
        rendition: RenditionId,
        segment: u32,
        failure: EngineFailure,
    ) -> Result<(), SessionError> {
        let (planner, row, plan) = (self.planner, self.row, self.plan);
        let mut run = self.open(&[rendition]).await?;
        if passthrough::is_passed_through(plan, rendition) {
            return passthrough::give_up(planner, &mut run, plan, rendition, segment).await;
        }
        // Before it is there: no filler is ever taken for good pictures.
        let tries = planner.records.stores.metadata.tries();
        tries.record_filler(&self.key(rendition, segment)).await?;
        match run.filler(rendition, segment).await {
            Ok(()) => {}
            Err(SessionError::Fault(error)) => {
                tracing::error!(%error, video = %row.id, segment, "not even a filler can be made");
                crate::videos::failure::fail(&planner.records, row.id, failure).await;
                return Err(SessionError::Fault(error));
            }
            Err(other) => return Err(other),
        }
        let fillers = tries.fillers(&row.id).await?.len();
        if fillers * 2 > plan.media_ids().count() * plan.segments() as usize {
            crate::videos::failure::fail(&planner.records, row.id, failure).await;
            return Ok(());
        }
        warn(planner, row, plan, segment, failure.code).await
    }
}

async fn warn(
    planner: &Planner,
    row: &VideoRow,
    plan: &Plan,
    segment: u32,
    code: Code,
) -> Result<(), SessionError> {
    let (start, end) = plan.timeline.segment_frames(segment);
    let note = Note {
        track: None,
        code: match code {
            Code::Internal => Code::Corrupt,
            code => code,
        },
        message: "A part of the video cannot be decoded; the last good picture is held.".to_owned(),
        span_us: Some((plan.timeline.frame_us(start), plan.timeline.frame_us(end))),
    };
    Ok(notes::add(&planner.records, row.id, note).await?)
}

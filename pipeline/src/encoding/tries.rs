//! Failures of the engine at a piece of work: each suspect segment is tried alone, each try is counted, and after three
//! counted tries a filler is stored in the segment's place.

use std::sync::Arc;

use plan::{Code, Note, Plan, RenditionId, SegmentKey};
use store::metadata::VideoRow;
use transcoder::EngineFailure;

use crate::encoding::session::{EncodingSession, SessionError, Standing};
use crate::plans::passthrough;
use crate::plans::planner::Planner;
use crate::videos::notes;

/// Counted tries of a segment after which a filler is stored.
const TRIES: u32 = 3;

/// Segments that were to be made when the engine failed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Work<'a> {
    pub(crate) renditions: &'a [RenditionId],
    pub(crate) first: u32,
    pub(crate) count: u32,
}

/// Tries the segments at which the engine may have failed, one point in time after another, and stores fillers for
/// those that fail too often. The suspect is the first segment of each rendition that is not stored: decoded rungs
/// share one decoder and are tried together; a passed-through rung and each sound rendition are tried by themselves.
pub(crate) async fn try_suspects(
    planner: &Arc<Planner>,
    row: &VideoRow,
    plan: &Arc<Plan>,
    work: Work<'_>,
    standing: Standing,
) -> Result<(), SessionError> {
    let inventory = planner.inventory.known(row.id).await?;
    let unmade = |id: RenditionId| {
        let mut segments = work.first..work.first.saturating_add(work.count);
        segments
            .find(|&segment| !inventory.has(id, segment))
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
            .run(rungs.map(|(id, _)| *id).collect(), segment)
            .await?;
    }
    for (other, segment) in others {
        trial.run(vec![other], segment).await?;
    }
    Ok(())
}

/// Stores fillers for a segment at which engines keep dying without an error message: as many such ends count as all
/// tries of the segment. Each rendition is tried alone once more first.
pub(crate) async fn fill_deadly_segment(
    planner: &Arc<Planner>,
    row: &VideoRow,
    plan: &Arc<Plan>,
    renditions: &[RenditionId],
    segment: u32,
) -> Result<(), SessionError> {
    // `Ahead` sessions leave no mark in metadata: a mark would count these ends again.
    let trial = Trial {
        planner,
        row,
        plan,
        standing: Standing::Ahead,
    };
    let inventory = planner.inventory.known(row.id).await?;
    for &rendition in renditions.iter().filter(|&&id| !inventory.has(id, segment)) {
        let failure = match trial.attempt(&[rendition], segment).await {
            Ok(()) => continue,
            Err(error) if error.is_unreachable() => return Err(error),
            Err(SessionError::Fault(failure)) => failure,
            Err(SessionError::Unexplained) => EngineFailure {
                code: Code::EngineCrashed,
                message: "Engines keep dying without an error message at this segment.".to_owned(),
            },
            Err(other) => return Err(other),
        };
        trial.fill(rendition, segment, failure).await?;
    }
    Ok(())
}

/// A trial: segments of one video are tried alone, and get fillers where that does not help.
struct Trial<'a> {
    planner: &'a Arc<Planner>,
    row: &'a VideoRow,
    plan: &'a Arc<Plan>,
    standing: Standing,
}

impl Trial<'_> {
    /// Tries a segment until it is stored in all these renditions, as media or as a filler.
    async fn run(&self, renditions: Vec<RenditionId>, segment: u32) -> Result<(), SessionError> {
        let tries = self.planner.records.stores.metadata.tries();
        // Each round counts a try of some rendition, or makes its segment.
        let rounds = (TRIES as usize + 1) * renditions.len();
        for _ in 0..rounds {
            let inventory = self.planner.inventory.known(self.row.id).await?;
            let mut unmade = renditions
                .iter()
                .copied()
                .filter(|&id| !inventory.has(id, segment));
            let Some(first) = unmade.next() else {
                return Ok(());
            };
            let counted = tries.get(&self.key(first, segment)).await?.counted;
            // The last try of a rendition is made alone, so that a rung gets no filler because another rung fails.
            let mut together = vec![first];
            if counted + 1 < TRIES {
                together.extend(unmade);
            }
            match self.attempt(&together, segment).await {
                Ok(()) => {
                    let inventory = self.planner.inventory.known(self.row.id).await?;
                    if !inventory.has(first, segment) {
                        // Another session has claimed the segment and makes it.
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

    /// Opens a session for these renditions.
    async fn open(&self, renditions: &[RenditionId]) -> Result<EncodingSession, SessionError> {
        let bytes = self.planner.sessions.memory_for(self.plan, renditions);
        let share = self.planner.sessions.memory.take(bytes).await;
        let mut session =
            EncodingSession::open(&self.planner.sessions, self.row, self.standing, share)?;
        session.set_plan(self.plan).await;
        Ok(session)
    }

    /// Makes a segment in a session of its own.
    async fn attempt(&self, renditions: &[RenditionId], segment: u32) -> Result<(), SessionError> {
        let mut session = self.open(renditions).await?;
        session.make_segments(renditions, segment, 1).await
    }

    /// Stores a filler in the place of a segment; fails the video if none can be made, or if most of it is fillers.
    async fn fill(
        &self,
        rendition: RenditionId,
        segment: u32,
        failure: EngineFailure,
    ) -> Result<(), SessionError> {
        let (planner, row, plan) = (self.planner, self.row, self.plan);
        let mut session = self.open(&[rendition]).await?;
        if passthrough::is_passed_through(plan, rendition) {
            return passthrough::give_up(planner, &mut session, plan, rendition, segment).await;
        }
        // The filler is recorded before it is stored, so that a filler is never taken for good pictures.
        let tries = planner.records.stores.metadata.tries();
        tries.record_filler(&self.key(rendition, segment)).await?;
        match session.make_filler(rendition, segment).await {
            Ok(()) => {}
            Err(SessionError::Fault(error)) => {
                tracing::error!(%error, video = %row.id, segment, "a filler cannot be made; the video fails");
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

/// Adds a note to the video's row: the last good picture is held in this segment.
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

//! What this program cannot go on with, begun anew: an engine declares other parameter sets than those that a
//! rendition was begun with, since its libraries are of another version, or the rendition is of an older generation
//! of our own. What would be made must not stand beside what is there.
//!
//! Where nobody else can go on, other renditions are begun: who plays the first goes on as far as they are made, and
//! is told to look at the list of renditions again where they are not. What is whole stays as it is.

use std::sync::Arc;

use plan::{Code, Plan, RenditionId, RenditionKey};
use store::metadata::{State, VideoRow};
use transcoder::EngineFailure;

use crate::encoding::session::{EncodingSession, SessionError, Standing};
use crate::plans::planner::Planner;
use crate::plans::successor::{Successor, succeed};

/// Versions of libraries that a video may have met, one after the other.
const ROUNDS: usize = 8;

/// Has the init segments of renditions of a plan stored. What was begun otherwise is begun anew: returns the plan of
/// what this engine can make.
pub(crate) async fn agreed(
    planner: &Planner,
    run: &mut EncodingSession,
    plan: Arc<Plan>,
    renditions: &[RenditionId],
) -> Result<Arc<Plan>, SessionError> {
    let policy = &planner.config.policy;
    let (mut plan, mut wanted) = (plan, renditions.to_vec());
    for _ in 0..ROUNDS {
        run.plan(&plan).await;
        let foreign = run.inits(&wanted).await?;
        let Some(next) = plan.with_begun_anew(&foreign, policy) else {
            return Ok(plan);
        };
        wanted = next.every_media().filter(|id| !plan.lists(*id)).collect();
        plan = Arc::new(next);
    }
    Err(SessionError::Unexplained)
}

/// This process cannot go on with a rendition. Where it works alone, that and all others of its kind are begun anew;
/// returns whether they were.
pub(crate) async fn decline(
    planner: &Planner,
    row: &VideoRow,
    rendition: RenditionId,
    standing: Standing,
) -> Result<bool, SessionError> {
    let video = row.id;
    let key = RenditionKey { video, rendition };
    let current = match &row.current_plan {
        Some(hash) => planner.plans.load(video, hash).await?,
        None => return Ok(false),
    };
    let is_current = current.lists(rendition);
    if planner.works_alone && is_current {
        return renew(planner, row, Some(rendition), standing)
            .await
            .map(|()| true);
    }
    // Whoever looks after the video hears of it with our next announcement, and of all the others at once.
    let is_new = planner.plans.declined.note(key);
    if is_new
        && is_current
        && let Some(Survey { foreign, .. }) = Survey::of(planner, row, standing).await?
    {
        for rendition in foreign {
            planner
                .plans
                .declined
                .note(RenditionKey { video, rendition });
        }
    }
    Ok(false)
}

/// Begins everything anew that is not whole and that an engine of today cannot go on with, such as what was `tried`.
pub(crate) async fn renew(
    planner: &Planner,
    row: &VideoRow,
    tried: Option<RenditionId>,
    standing: Standing,
) -> Result<(), SessionError> {
    if let Some(mut survey) = Survey::of(planner, row, standing).await? {
        let Survey { run, plan, foreign } = &mut survey;
        if tried.is_some_and(|tried| !foreign.contains(&tried)) {
            return Err(SessionError::Fault(fickle()));
        }
        begin(planner, run, plan, foreign).await?;
        // Whose master playlists send players to what will never be made.
        planner.purge.forget(row.id);
    }
    Ok(())
}

/// Begun anew, it would be the same again.
fn fickle() -> EngineFailure {
    EngineFailure {
        code: Code::EngineCrashed,
        message: "An encoder declares other parameter sets with its segments than before them."
            .to_owned(),
    }
}

/// The renditions of a video that the engine of this process cannot go on with.
struct Survey {
    /// The session that was asked.
    run: EncodingSession,
    plan: Arc<Plan>,
    /// What is not whole, and of which another init segment is stored, or which is of an older generation.
    foreign: Vec<RenditionId>,
}

impl Survey {
    /// Asks an engine; returns nothing where the video has no plan yet.
    async fn of(
        planner: &Planner,
        row: &VideoRow,
        standing: Standing,
    ) -> Result<Option<Self>, SessionError> {
        let Some(hash) = &row.current_plan else {
            return Ok(None);
        };
        let plan = planner.plans.load(row.id, hash).await?;
        let unmade = unmade(planner, row, &plan).await?;
        let share = planner
            .sessions
            .memory
            .take(planner.sessions.memory_for(&plan, &unmade))
            .await;
        let mut run = EncodingSession::open(&planner.sessions, row, standing, share)?;
        let (of_now, older): (Vec<_>, Vec<_>) = unmade
            .into_iter()
            .partition(|&id| plan.is_of_this_generation(id));
        run.plan(&plan).await;
        let mut foreign = run.inits(&of_now).await?;
        foreign.extend(older);
        Ok(Some(Self { run, plan, foreign }))
    }
}

/// Renditions of a plan that are not whole. Of a video that is ready and has nothing in the making none is: what it
/// has lost since, nobody can make as it was.
async fn unmade(
    planner: &Planner,
    row: &VideoRow,
    plan: &Plan,
) -> Result<Vec<RenditionId>, store::Error> {
    if !row.is_in_the_making() {
        return Ok(Vec::new());
    }
    let made = planner.inventory.relisted(row.id).await?;
    let is_whole = |id: &RenditionId| made.count(*id) >= u64::from(plan.segments());
    let all = match row.state {
        State::Ready => plan.every_media().collect::<Vec<_>>(),
        _ => plan.media_ids().collect(),
    };
    Ok(all.into_iter().filter(|id| !is_whole(id)).collect())
}

/// Makes a plan current in which others stand for these renditions.
pub(crate) async fn begin(
    planner: &Planner,
    run: &mut EncodingSession,
    plan: &Arc<Plan>,
    foreign: &[RenditionId],
) -> Result<(), SessionError> {
    let policy = &planner.config.policy;
    let Some(next) = plan.with_begun_anew(foreign, policy) else {
        return Ok(());
    };
    let fresh: Vec<RenditionId> = next.every_media().filter(|id| !plan.lists(*id)).collect();
    let agreed = agreed(planner, run, Arc::new(next), &fresh).await?;
    let video = run.video();
    tracing::warn!(%video, ?foreign, "what was begun by another version is begun anew");
    let anew = |current: &Plan| {
        let mut plan = current.clone();
        // Each may have been begun anew more than once.
        for _ in 0..ROUNDS {
            match plan.with_begun_anew(&agreed.given_up, policy) {
                Some(next) => plan = next,
                None => break,
            }
        }
        (plan != *current).then(|| Successor {
            plan,
            cues: Vec::new(),
        })
    };
    let is_living = |row: &VideoRow| row.state != State::Deleted;
    succeed(&planner.plans, video, is_living, anew, &[]).await?;
    Ok(())
}

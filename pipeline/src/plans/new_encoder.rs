//! Renditions that this program cannot continue, and that are begun anew. The engine declares parameter sets that
//! differ from those that a rendition was begun with, because its libraries are of another version, or the rendition is
//! of an older generation of our own rules. New segments must not stand beside the old ones.
//!
//! Where no worker can continue a rendition, another rendition is begun in its place. A player of the old rendition
//! plays on as far as its segments are made, and is then told to load the list of renditions again. Renditions that are
//! whole stay as they are.

use std::sync::Arc;

use plan::{Code, Plan, RenditionId, RenditionKey};
use store::metadata::{State, VideoRow};
use transcoder::EngineFailure;

use crate::encoding::session::{EncodingSession, SessionError, Standing};
use crate::plans::planner::Planner;
use crate::plans::successor::{Successor, succeed};

/// Rounds of making init segments: as many versions of libraries as a video may have met, one after the other.
const ROUNDS: usize = 8;

/// Makes and stores the init segments of these renditions. Renditions whose stored init segments differ are begun anew;
/// returns the plan that this engine can make.
pub(crate) async fn store_inits(
    planner: &Planner,
    session: &mut EncodingSession,
    plan: Arc<Plan>,
    renditions: &[RenditionId],
) -> Result<Arc<Plan>, SessionError> {
    let policy = &planner.config.policy;
    let (mut plan, mut wanted) = (plan, renditions.to_vec());
    for _ in 0..ROUNDS {
        session.set_plan(&plan).await;
        let foreign = session.make_inits(&wanted).await?;
        let Some(next) = plan.with_begun_anew(&foreign, policy) else {
            return Ok(plan);
        };
        wanted = next.every_media().filter(|id| !plan.lists(*id)).collect();
        plan = Arc::new(next);
    }
    Err(SessionError::Unexplained)
}

/// Notes that this process cannot continue a rendition. Where the process works alone, that rendition and all others
/// like it are begun anew; returns whether they were.
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
    // The next announcement tells the worker that looks after the video of this rendition, and of all others like it at
    // once.
    let is_new = planner.plans.declined.record(key);
    if is_new
        && is_current
        && let Some(Survey { foreign, .. }) = Survey::of(planner, row, standing).await?
    {
        for rendition in foreign {
            planner
                .plans
                .declined
                .record(RenditionKey { video, rendition });
        }
    }
    Ok(false)
}

/// Begins all renditions anew that are not whole and that the engine of this process cannot continue, such as `tried`.
pub(crate) async fn renew(
    planner: &Planner,
    row: &VideoRow,
    tried: Option<RenditionId>,
    standing: Standing,
) -> Result<(), SessionError> {
    if let Some(mut survey) = Survey::of(planner, row, standing).await? {
        let Survey {
            session,
            plan,
            foreign,
        } = &mut survey;
        if tried.is_some_and(|tried| !foreign.contains(&tried)) {
            return Err(SessionError::Fault(unstable_encoder()));
        }
        begin_anew(planner, session, plan, foreign).await?;
        // The cached master playlists send players to renditions that will never be made.
        planner.purge.forget(row.id);
    }
    Ok(())
}

/// Error of an encoder whose parameter sets change from order to order: a rendition begun anew would fail in the same
/// way.
fn unstable_encoder() -> EngineFailure {
    EngineFailure {
        code: Code::EngineCrashed,
        message: "An encoder declares other parameter sets with its segments than before them."
            .to_owned(),
    }
}

/// The renditions of a video that the engine of this process cannot continue.
struct Survey {
    /// The session in which the engine made init segments.
    session: EncodingSession,
    plan: Arc<Plan>,
    /// Renditions that are not whole, and whose stored init segment differs or which are of an older generation.
    foreign: Vec<RenditionId>,
}

impl Survey {
    /// Has an engine make init segments; returns `None` where the video has no plan yet.
    async fn of(
        planner: &Planner,
        row: &VideoRow,
        standing: Standing,
    ) -> Result<Option<Self>, SessionError> {
        let Some(hash) = &row.current_plan else {
            return Ok(None);
        };
        let plan = planner.plans.load(row.id, hash).await?;
        let incomplete = incomplete(planner, row, &plan).await?;
        let share = planner
            .sessions
            .memory
            .take(planner.sessions.memory_for(&plan, &incomplete))
            .await;
        let mut session = EncodingSession::open(&planner.sessions, row, standing, share)?;
        let (of_now, older): (Vec<_>, Vec<_>) = incomplete
            .into_iter()
            .partition(|&id| plan.is_of_this_generation(id));
        session.set_plan(&plan).await;
        let mut foreign = session.make_inits(&of_now).await?;
        foreign.extend(older);
        Ok(Some(Self {
            session,
            plan,
            foreign,
        }))
    }
}

/// Renditions of a plan that are not whole. A ready video with nothing in the making has none: what it has lost since,
/// nobody can make as it was.
async fn incomplete(
    planner: &Planner,
    row: &VideoRow,
    plan: &Plan,
) -> Result<Vec<RenditionId>, store::Error> {
    if !row.is_in_the_making() {
        return Ok(Vec::new());
    }
    let inventory = planner.inventory.relist(row.id).await?;
    let is_whole = |id: &RenditionId| inventory.count(*id) >= u64::from(plan.segments());
    let all = match row.state {
        State::Ready => plan.every_media().collect::<Vec<_>>(),
        _ => plan.media_ids().collect(),
    };
    Ok(all.into_iter().filter(|id| !is_whole(id)).collect())
}

/// Makes a plan the current one in which other renditions stand for these.
pub(crate) async fn begin_anew(
    planner: &Planner,
    session: &mut EncodingSession,
    plan: &Arc<Plan>,
    foreign: &[RenditionId],
) -> Result<(), SessionError> {
    let policy = &planner.config.policy;
    let Some(next) = plan.with_begun_anew(foreign, policy) else {
        return Ok(());
    };
    let fresh: Vec<RenditionId> = next.every_media().filter(|id| !plan.lists(*id)).collect();
    let accepted = store_inits(planner, session, Arc::new(next), &fresh).await?;
    let video = session.video();
    tracing::warn!(%video, ?foreign, "renditions that another version of the encoder began are begun anew");
    let anew = |current: &Plan| {
        let mut plan = current.clone();
        // A rendition may have been begun anew more than once.
        for _ in 0..ROUNDS {
            match plan.with_begun_anew(&accepted.given_up, policy) {
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

//! An engine declares other parameter sets than those that a rendition was begun with: its libraries are of another
//! version. It cannot go on with that one, and what it would make must not stand beside what is there.
//!
//! Where nobody else can, another rendition of the same settings is begun: who plays the first goes on as far as
//! it is made, and is told to look at the list of renditions again where it is not.

use std::collections::VecDeque;
use std::sync::Arc;

use parking_lot::Mutex;
use plan::{Plan, RenditionId, RenditionKey, VideoId};
use store::metadata::{State, VideoRow};

use crate::inner::{Inner, Role};
use crate::run::{Run, RunError, Standing};
use crate::successor::{Successor, succeed};

/// Renditions that were begun anew already, one after the other: each by another version, in the life of one video.
const ROUNDS: usize = 8;

/// Has the init segments of renditions of a plan stored. What was begun otherwise is begun anew: returns the plan of
/// what this engine can make.
pub(crate) async fn agreed(
    run: &mut Run,
    plan: Arc<Plan>,
    renditions: &[RenditionId],
) -> Result<Arc<Plan>, RunError> {
    let (mut plan, mut wanted) = (plan, renditions.to_vec());
    for _ in 0..ROUNDS {
        run.plan(&plan).await;
        let foreign = run.inits(&wanted).await?;
        let Some(next) = plan.with_begun_anew(&foreign) else {
            return Ok(plan);
        };
        wanted = next.every_media().filter(|id| !plan.lists(*id)).collect();
        plan = Arc::new(next);
    }
    Err(RunError::Unexplained)
}

/// Makes a plan current in which others stand for these renditions.
pub(crate) async fn begin(
    inner: &Inner,
    run: &mut Run,
    plan: &Arc<Plan>,
    foreign: &[RenditionId],
) -> Result<(), RunError> {
    let Some(next) = plan.with_begun_anew(foreign) else {
        return Ok(());
    };
    let fresh: Vec<RenditionId> = next.every_media().filter(|id| !plan.lists(*id)).collect();
    let agreed = agreed(run, Arc::new(next), &fresh).await?;
    let given_up: Vec<RenditionId> = agreed.given_up.clone();
    let video: VideoId = run.video();
    tracing::warn!(%video, ?foreign, "an encoder of another version: what it cannot go on with is begun anew");
    let anew = |current: &Plan| {
        let mut plan = current.clone();
        // Each may have been begun anew more than once.
        for _ in 0..ROUNDS {
            match plan.with_begun_anew(&given_up) {
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
    succeed(inner, video, is_living, anew, &[]).await?;
    Ok(())
}

/// This engine cannot go on with a rendition: where nobody else can, it is begun anew, by a session of its own.
pub(crate) async fn decline(
    inner: &Arc<Inner>,
    row: &VideoRow,
    plan: &Arc<Plan>,
    rendition: RenditionId,
) -> Result<(), RunError> {
    let key = RenditionKey {
        video: row.id,
        rendition,
    };
    inner.declined.note(key);
    if !matches!(inner.role, Role::Alone(_)) {
        // Whoever looks after the video hears of it with our next announcement.
        return Ok(());
    }
    renew(inner, row, plan, &[rendition]).await
}

/// Begins renditions anew, by a session of its own.
pub(crate) async fn renew(
    inner: &Arc<Inner>,
    row: &VideoRow,
    plan: &Arc<Plan>,
    renditions: &[RenditionId],
) -> Result<(), RunError> {
    let share = inner.memory.take(inner.memory_for(plan, renditions)).await;
    let mut run = Run::open(inner, row, Standing::Foreground, share)?;
    begin(inner, &mut run, plan, renditions).await
}

/// Renditions that are remembered.
const REMEMBERED: usize = 4096;

/// What engines of this process cannot go on with.
#[derive(Default)]
pub(crate) struct Declined(Mutex<VecDeque<RenditionKey>>);

impl Declined {
    fn note(&self, key: RenditionKey) {
        let mut known = self.0.lock();
        if !known.contains(&key) {
            known.push_front(key);
            known.truncate(REMEMBERED);
        }
    }

    pub(crate) fn has(&self, key: RenditionKey) -> bool {
        self.0.lock().contains(&key)
    }

    /// All of them, for others.
    pub(crate) fn all(&self) -> Vec<RenditionKey> {
        self.0.lock().iter().copied().collect()
    }
}

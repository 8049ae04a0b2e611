//! Everything gets encoded: what is left is the plan minus what is stored, looked for again
//! after every chunk. Interactive uploads come before bulk ones, all of them before what ready videos
//! get besides; what each needs first, its start rungs and its poster, before the rest of any; owners take turns, and
//! of an owner's videos the short ones come before the long ones.

pub(crate) mod backlog;
pub(crate) mod runner;
pub(crate) mod troubles;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use plan::{OwnerId, VideoId};
use store::Moment;
use store::metadata::{PageRequest, Source, State, VideoRow};

use self::backlog::{Backlog, Next, Urgency, due_us};
use self::runner::{BackgroundRunner, Outcome};
use self::troubles::Troubles;
use crate::encoding::session::SessionError;
use crate::encoding::stills;
use crate::encoding::stills::StillMaker;
use crate::encoding::windows::registry::Windows;
use crate::plans::planner::Planner;
use crate::videos::start::Starts;
use crate::videos::{finish, start};

/// Rows read at once.
const PAGE: u32 = 200;
/// Pages looked at for the next piece of work: more unfinished videos than that wait.
const PAGES: usize = 50;
/// When nothing has been announced for so long, look anyway: announcements are hints.
const SAFETY: Duration = Duration::from_secs(30);
/// How long a video is left alone that is in others' hands.
const PAUSE: Duration = Duration::from_secs(1);
/// How long a video is left alone that failed for lack of space, before it is tried again.
const FULL: Duration = Duration::from_secs(10);

/// What background work is made with.
pub(crate) struct BackgroundParts {
    pub(crate) planner: Arc<Planner>,
    pub(crate) windows: Arc<Windows>,
    pub(crate) stills: Arc<StillMaker>,
    pub(crate) starts: Arc<Starts>,
}

struct Background {
    parts: Arc<BackgroundParts>,
    turns: HashMap<OwnerId, u64>,
    turn: u64,
    /// Videos that have what comes first.
    begun: HashSet<VideoId>,
    /// Videos that are left alone until then.
    rests: HashMap<VideoId, Moment>,
    troubles: Troubles,
    runner: BackgroundRunner,
    /// The video whose stills are made beside its segments.
    beside: Option<VideoId>,
}

pub(crate) async fn run(parts: Arc<BackgroundParts>) {
    let mut background = Background {
        runner: BackgroundRunner::new(&parts.planner, &parts.windows, &parts.stills),
        parts,
        turns: HashMap::new(),
        turn: 0,
        begun: HashSet::new(),
        rests: HashMap::new(),
        troubles: Troubles::default(),
        beside: None,
    };
    loop {
        background.step().await;
    }
}

impl Background {
    async fn step(&mut self) {
        let parts = self.parts.clone();
        match self.next_video().await {
            Ok(Some(row)) => {
                self.turn += 1;
                self.turns.insert(row.owner, self.turn);
                self.runner.until_calm().await;
                match self.work_at(&row).await {
                    Ok(Outcome::Worked) => {
                        self.rests.remove(&row.id);
                        self.troubles.over(row.id);
                    }
                    Ok(Outcome::Waits) => self.rest(row.id, PAUSE),
                    Err(error) => {
                        self.runner.rest();
                        let pause = self.troubles.meet(&parts.planner, row.id, &error).await;
                        self.rest(row.id, pause);
                    }
                }
            }
            Ok(None) => {
                self.runner.rest();
                let wait = self.rests.values().min().copied();
                let safety = parts.planner.records.stores.clock.now() + SAFETY;
                tokio::select! {
                    () = parts.planner.records.backlog_changed.notified() => {}
                    () = parts.planner.records.stores.clock.sleep_until(wait.map_or(safety, |w| w.min(safety))) => {}
                }
            }
            Err(error) => {
                tracing::warn!(%error, "unfinished videos cannot be listed");
                parts.planner.records.stores.clock.sleep(PAUSE).await;
            }
        }
    }

    fn rest(&mut self, video: VideoId, span: Duration) {
        let until = self.parts.planner.records.stores.clock.now() + span;
        self.rests.insert(video, until);
    }

    /// The video whose turn it is: interactive first, then who lacks what comes first, then the owner served longest ago,
    /// then what is due first. Starts whatever waits to be started on the way.
    async fn next_video(&mut self) -> Result<Option<VideoRow>, store::Error> {
        let parts = self.parts.clone();
        let now = parts.planner.records.stores.clock.now();
        let mut best: Option<((_, bool, u64, i64), VideoRow)> = None;
        let mut unfinished = HashSet::new();
        let mut page = PageRequest::first(PAGE);
        for _ in 0..PAGES {
            let rows = parts
                .planner
                .records
                .stores
                .metadata
                .videos()
                .list_unfinished(&page)
                .await?;
            for row in rows.items {
                match (row.state, row.source) {
                    (State::Waiting | State::Probing, Source::Complete) => {
                        start::begin(&parts.starts, row.id)
                    }
                    _ if row.waits_for_space() => self.try_again(row.id).await?,
                    _ if row.is_in_the_making() => {
                        let rests = self.rests.get(&row.id);
                        // Its first segments are in the making, and its session comes with them.
                        let starting = parts.starts.is_starting(row.id);
                        if starting || rests.is_some_and(|until| *until > now) {
                            continue;
                        }
                        unfinished.insert(row.id);
                        let served = self.turns.get(&row.owner).copied().unwrap_or(0);
                        let is_begun = self.begun.contains(&row.id);
                        let rank = (Urgency::of(&row), is_begun, served, due_us(&row));
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
        self.begun.retain(|video| unfinished.contains(video));
        if best.is_none() {
            // Nobody waits: whose turn it was does not matter any more.
            self.turns.clear();
            self.rests.retain(|_, until| *until > now);
            self.troubles.keep(|video| self.rests.contains_key(video));
        }
        Ok(best.map(|(_, row)| row))
    }

    /// Goes on with a video that failed for lack of space, where there is some again.
    async fn try_again(&mut self, video: VideoId) -> Result<(), store::Error> {
        let now = self.parts.planner.records.stores.clock.now();
        let rests = self.rests.get(&video).is_some_and(|until| *until > now);
        if !rests && self.parts.planner.records.has_space().await {
            start::retry(&self.parts.starts, video).await?;
        }
        if !rests {
            self.rest(video, FULL);
        }
        Ok(())
    }

    /// Does the next piece of work at a video.
    async fn work_at(&mut self, row: &VideoRow) -> Result<Outcome, SessionError> {
        let parts = self.parts.clone();
        let Some(hash) = &row.current_plan else {
            return Ok(Outcome::Waits);
        };
        let plan = parts.planner.plans.load(row.id, hash).await?;
        let is_beside = !parts.planner.config.viewers && plan.has_poster();
        if is_beside && self.beside.replace(row.id) != Some(row.id) {
            parts.planner.sessions.tasks.spawn(stills::beside(
                parts.stills.clone(),
                row.clone(),
                plan.clone(),
            ));
        }
        let made = parts.planner.inventory.known(row.id).await?;
        let backlog = Backlog {
            planner: &parts.planner,
            row,
            plan: &plan,
            made: &made,
        };
        match backlog.next() {
            // Others may still need what comes first.
            Next::Piece(piece)
                if parts.planner.config.viewers
                    && !backlog.is_first(&piece)
                    && self.begun.insert(row.id) =>
            {
                Ok(Outcome::Worked)
            }
            Next::Piece(piece) => self.runner.make(row, &plan, &piece).await,
            Next::Wait => Ok(Outcome::Waits),
            Next::Nothing => {
                self.runner.rest();
                finish::finalize(&parts.planner, row, &plan).await?;
                Ok(Outcome::Worked)
            }
        }
    }
}

//! Background work of a process that is alone on its stores: everything that a plan lists and the store lacks is
//! encoded. After every chunk the videos are compared with the store again.
//!
//! Interactive uploads come before bulk ones, and both before the additional codecs of ready videos. What each video
//! needs first, its start rungs and its poster, comes before the rest of any video. Owners take turns, and of one
//! owner's videos the short ones come before the long ones.
//!
//! `backlog` says what a video still needs, `runner` makes one piece of it, and `troubles` counts the failures that are
//! waited out.

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

/// Rows of videos that are read at once.
const PAGE: u32 = 200;
/// Pages of rows that are searched for the next piece of work. Videos beyond that wait until others are ready.
const PAGES: usize = 50;
/// Time after which the videos are looked at again though nothing was announced: announcements are hints, and can be
/// missed.
const SAFETY: Duration = Duration::from_secs(30);
/// How long a video is left alone when other sessions have claimed what it lacks.
const PAUSE: Duration = Duration::from_secs(1);
/// How long a video that failed for lack of space is left alone before it is tried again.
const FULL: Duration = Duration::from_secs(10);

/// Everything that background work is made with.
pub(crate) struct BackgroundParts {
    pub(crate) planner: Arc<Planner>,
    pub(crate) windows: Arc<Windows>,
    pub(crate) stills: Arc<StillMaker>,
    pub(crate) starts: Arc<Starts>,
}

/// The state of background work: turns of owners, pauses of videos, and the runner.
struct Background {
    parts: Arc<BackgroundParts>,
    /// Number of the last turn of each owner.
    turns: HashMap<OwnerId, u64>,
    /// Number of the last turn.
    turn: u64,
    /// Videos that have their start rungs and their poster.
    begun: HashSet<VideoId>,
    /// Videos that are left alone, and until when.
    left_alone: HashMap<VideoId, Moment>,
    troubles: Troubles,
    runner: BackgroundRunner,
    /// The video whose stills are made while other sessions make its segments.
    beside: Option<VideoId>,
}

/// Does background work, for ever.
pub(crate) async fn run(parts: Arc<BackgroundParts>) {
    let mut background = Background {
        runner: BackgroundRunner::new(&parts.planner, &parts.windows, &parts.stills),
        parts,
        turns: HashMap::new(),
        turn: 0,
        begun: HashSet::new(),
        left_alone: HashMap::new(),
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
                self.runner.until_gate_opens().await;
                match self.work_at(&row).await {
                    Ok(Outcome::Worked) => {
                        self.left_alone.remove(&row.id);
                        self.troubles.record_success(row.id);
                    }
                    Ok(Outcome::Waits) => self.leave_alone(row.id, PAUSE),
                    Err(error) => {
                        self.runner.end_session();
                        let pause = self
                            .troubles
                            .record_failure(&parts.planner, row.id, &error)
                            .await;
                        self.leave_alone(row.id, pause);
                    }
                }
            }
            Ok(None) => {
                self.runner.end_session();
                let wait = self.left_alone.values().min().copied();
                let safety = parts.planner.records.stores.clock.now() + SAFETY;
                tokio::select! {
                    () = parts.planner.records.backlog_changed.notified() => {}
                    () = parts.planner.records.stores.clock.sleep_until(wait.map_or(safety, |w| w.min(safety))) => {}
                }
            }
            Err(error) => {
                tracing::warn!(%error, "unfinished videos cannot be listed; the list is read again after a pause");
                parts.planner.records.stores.clock.sleep(PAUSE).await;
            }
        }
    }

    fn leave_alone(&mut self, video: VideoId, span: Duration) {
        let until = self.parts.planner.records.stores.clock.now() + span;
        self.left_alone.insert(video, until);
    }

    /// Chooses the video to work at: interactive uploads first, then videos that lack their start rungs or poster, then
    /// the owner who was served longest ago, then the video that is due first. Videos that wait to be started are
    /// started on the way.
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
                    _ if row.waits_for_space() => self.retry_if_space(row.id).await?,
                    _ if row.is_in_the_making() => {
                        let until = self.left_alone.get(&row.id);
                        // The first segments of this video are being made, and the warm session comes with them.
                        let starting = parts.starts.is_starting(row.id);
                        if starting || until.is_some_and(|until| *until > now) {
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
            // No video waits, so the order of the owners no longer matters.
            self.turns.clear();
            self.left_alone.retain(|_, until| *until > now);
            self.troubles
                .keep(|video| self.left_alone.contains_key(video));
        }
        Ok(best.map(|(_, row)| row))
    }

    /// Starts a video again that failed for lack of space, once there is space.
    async fn retry_if_space(&mut self, video: VideoId) -> Result<(), store::Error> {
        let now = self.parts.planner.records.stores.clock.now();
        let is_left_alone = self
            .left_alone
            .get(&video)
            .is_some_and(|until| *until > now);
        if !is_left_alone && self.parts.planner.records.has_space().await {
            start::retry(&self.parts.starts, video).await?;
        }
        if !is_left_alone {
            self.leave_alone(video, FULL);
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
            parts
                .planner
                .sessions
                .tasks
                .spawn(stills::make_beside_segments(
                    parts.stills.clone(),
                    row.clone(),
                    plan.clone(),
                ));
        }
        let inventory = parts.planner.inventory.known(row.id).await?;
        let backlog = Backlog {
            planner: &parts.planner,
            row,
            plan: &plan,
            inventory: &inventory,
        };
        match backlog.next() {
            // Other videos may still lack what comes first.
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
                self.runner.end_session();
                finish::finalize(&parts.planner, row, &plan).await?;
                Ok(Outcome::Worked)
            }
        }
    }
}

//! The reconciler: offers the work that is left, a little at a time. The work of a video is what its plan lists and the
//! store lacks; each worker offers that of the videos that it looks after.
//!
//! Every worker computes the same order for all videos: interactive uploads before bulk ones; what each video needs
//! first before the rest of any video; then the owner who had least made lately, whose short videos come before the
//! long ones. Only the first chunks of this order are offered, and a chunk that no longer comes first is withdrawn. The
//! queue hands out chunks in the order of the offers, so it must never be deep: an owner who comes with little to do
//! then waits only for the chunks that workers have taken.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use plan::{OwnerId, Plan, VideoId};
use store::Moment;
use store::metadata::{PageRequest, Priority, Source, State, VideoRow};
use store::work::{Chunk, Offered, Scope, Worker};

use super::announce::Presence;
use super::chosen::looks_after;
use super::doubts::Doubts;
use super::stuck::StuckRenditions;
use super::usage::{UNITS, Usage};
use crate::background::backlog::{Backlog, Urgency, due_us};
use crate::encoding::session::Standing;
use crate::plans::new_encoder;
use crate::plans::planner::Planner;
use crate::videos::start::Starts;
use crate::videos::{finish, start};

/// Chunks that are offered for each worker: one that it makes and one to continue with.
const OFFERED: usize = 2;
/// Time after which a round is made though nothing was announced: announcements are hints, and workers come and go
/// without one.
const TICK: Duration = Duration::from_secs(2);
/// Time between two rounds at least: a burst of events leads to one round.
const APART: Duration = Duration::from_millis(250);
/// How long a waiting video is left to the worker that was asked to start it, and a playable one to the session that
/// makes its first segments.
const BEGUN: Duration = Duration::from_secs(2);
/// How long a video may be probed before another worker starts it.
const PROBED: Duration = Duration::from_secs(20);
/// How long a video that failed for lack of space stays as it is before a worker tries it again.
const FULL: Duration = Duration::from_secs(60);
/// Rows that are read at once.
const PAGE: u32 = 200;
/// Pages of rows that are read. Unfinished videos beyond that wait until others are ready.
const PAGES: usize = 50;

/// Makes one round after another, for ever.
pub(crate) async fn run(starts: Arc<Starts>, presence: Arc<Presence>) {
    let planner = starts.planner.clone();
    let mut reconciler = Reconciler {
        planner: planner.clone(),
        starts,
        presence,
        seen: HashMap::new(),
        offered: HashSet::new(),
        waiting: HashSet::new(),
        first: HashSet::new(),
        doubts: Doubts::default(),
        usage: Usage::default(),
        begun: HashSet::new(),
        stuck: StuckRenditions::default(),
    };
    let clock = planner.records.stores.clock.clone();
    loop {
        let began = clock.now();
        if let Err(error) = reconciler.round().await {
            tracing::warn!(%error, "chunks could not be offered in this round");
        }
        // Rounds take a fifth of the time at most. A single round that a store held up does not delay the next one
        // beyond [`TICK`].
        let took = clock.now().since(began);
        clock.sleep((took * 4).clamp(APART, TICK)).await;
        tokio::select! {
            () = planner.records.backlog_changed.notified() => {}
            () = clock.sleep(TICK) => {}
        }
    }
}

/// What a worker remembers from round to round.
struct Reconciler {
    /// Chunks at the front that other workers offer, and when the inventory of their videos is doubted.
    doubts: Doubts,
    /// Renditions that some worker cannot continue.
    stuck: StuckRenditions,
    planner: Arc<Planner>,
    starts: Arc<Starts>,
    presence: Arc<Presence>,
    /// Epoch of a video's row at the last look, and since when it is unchanged.
    seen: HashMap<VideoId, (u64, Moment)>,
    /// Chunks that this worker has offered and the queue took.
    offered: HashSet<Chunk>,
    /// Offered chunks that may still wait in the queue.
    waiting: HashSet<Chunk>,
    /// Chunks that come first in this round, whichever worker offers them.
    first: HashSet<Chunk>,
    /// What was made lately of each owner's videos.
    usage: Usage,
    /// Videos that have their start rungs and their poster.
    begun: HashSet<VideoId>,
}

/// A video that most likely has work left.
struct Open {
    row: VideoRow,
    plan: Arc<Plan>,
    /// The chunks that are left of the video, in order.
    left: std::vec::IntoIter<(Scope, u32)>,
}

/// The portion of each video's work that one round of offers covers.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    /// The start rungs and the poster, which let viewers start.
    First,
    /// All work that is left after the first portion.
    Rest,
}

impl Reconciler {
    /// Offers the first chunks of all unfinished videos, and withdraws chunks that no longer come first.
    async fn round(&mut self) -> Result<(), store::Error> {
        let planner = self.planner.clone();
        let workers = self.presence.workers().await;
        let able = workers.iter().filter(|worker| !worker.drains).count();
        let rows = self.unfinished().await?;
        let is_unfinished: HashSet<VideoId> = rows.iter().map(|row| row.id).collect();
        let now = planner.records.stores.clock.now();
        self.usage.decay(now, |video| is_unfinished.contains(video));
        self.offered
            .retain(|chunk| is_unfinished.contains(&chunk.video));
        self.seen.retain(|video, _| is_unfinished.contains(video));
        self.stuck.keep(|video| is_unfinished.contains(video));
        self.begun.retain(|video| is_unfinished.contains(video));
        self.first.clear();
        let mut budget = able.max(1) * OFFERED;
        for urgency in [
            Urgency::Eager(Priority::Interactive),
            Urgency::Eager(Priority::Bulk),
            Urgency::Late,
        ] {
            let open = rows.iter().filter(|row| Urgency::of(row) == urgency);
            let open: Vec<&VideoRow> = open.filter(|row| self.is_open(row, &workers)).collect();
            let fresh: Vec<&VideoRow> = open
                .iter()
                .copied()
                .filter(|row| !self.begun.contains(&row.id))
                .collect();
            for (rows, part) in [(fresh, Part::First), (open, Part::Rest)] {
                let mut line: HashMap<OwnerId, Vec<VideoRow>> = HashMap::new();
                for row in rows {
                    line.entry(row.owner).or_default().push(row.clone());
                }
                for rows in line.values_mut() {
                    // The videos are taken from the end, so the one that is due first stands there.
                    rows.sort_by_key(|row| std::cmp::Reverse((due_us(row), row.id)));
                }
                self.offer(line, part, &workers, &mut budget).await?;
            }
        }
        let others = |chunk: &&Chunk| looks_after(chunk.video, &workers) != Some(self.presence.id);
        for video in self.doubts.due(self.first.iter().filter(others), now) {
            self.planner.inventory.forget(video);
        }
        self.withdraw().await;
        Ok(())
    }

    /// Withdraws chunks that wait and no longer come first.
    async fn withdraw(&mut self) {
        let late: Vec<Chunk> = self.waiting.difference(&self.first).cloned().collect();
        for chunk in late {
            // A chunk that is not in the queue was taken by a worker.
            match self.planner.records.stores.work.withdraw(&chunk).await {
                Ok(withdrawn) => {
                    self.waiting.remove(&chunk);
                    if withdrawn {
                        self.offered.remove(&chunk);
                    }
                }
                // The chunk is withdrawn in a later round.
                Err(error) => return tracing::debug!(%error, "a chunk could not be withdrawn"),
            }
        }
    }

    /// Reads the rows of all unfinished videos.
    async fn unfinished(&self) -> Result<Vec<VideoRow>, store::Error> {
        let videos = self.planner.records.stores.metadata.videos();
        let mut page = PageRequest::first(PAGE);
        let mut rows = Vec::new();
        for _ in 0..PAGES {
            let found = videos.list_unfinished(&page).await?;
            rows.extend(found.items);
            match found.next {
                Some(cursor) => page = PageRequest::after(cursor, PAGE),
                None => break,
            }
        }
        Ok(rows)
    }

    /// Whether this worker looks after a video.
    fn is_mine(&self, video: VideoId, workers: &[Worker]) -> bool {
        looks_after(video, workers) == Some(self.presence.id)
    }

    /// Whether a video's chunks are to be offered. Starts a video that no worker has started in time.
    fn is_open(&mut self, row: &VideoRow, workers: &[Worker]) -> bool {
        let now = self.planner.records.stores.clock.now();
        let seen = self.seen.entry(row.id).or_insert((row.epoch, now));
        if seen.0 != row.epoch {
            *seen = (row.epoch, now);
        }
        let unchanged = now.since(seen.1);
        if row.source != Source::Complete {
            return false;
        }
        if row.waits_for_space() {
            if unchanged >= FULL && self.is_mine(row.id, workers) {
                self.retry_if_space(row.id);
            }
            return false;
        }
        let patience = match row.state {
            State::Playable => return unchanged >= BEGUN || self.is_begun(row),
            State::Ready => return row.is_in_the_making(),
            State::Waiting => BEGUN,
            State::Probing => PROBED,
            _ => return false,
        };
        if unchanged >= patience && self.is_mine(row.id, workers) {
            start::begin(&self.starts, row.id);
        }
        false
    }

    /// Starts a video again that failed for lack of space, if there is space.
    fn retry_if_space(&self, video: VideoId) {
        let (planner, starts) = (self.planner.clone(), self.starts.clone());
        self.planner.sessions.tasks.spawn(async move {
            if planner.records.has_space().await
                && let Err(error) = start::retry(&starts, video).await
            {
                tracing::warn!(%error, %video, "a video could not be started again");
            }
        });
    }

    /// Whether the video has been playable for a while, so that its first segments are no longer being made.
    fn is_begun(&self, row: &VideoRow) -> bool {
        let now_us = self.planner.records.stores.clock.now_us();
        let patience_us = i64::try_from(BEGUN.as_micros()).unwrap_or(i64::MAX);
        row.playable_at_us
            .is_some_and(|at| now_us.saturating_sub(at) > patience_us)
    }

    /// Offers chunk after chunk of the owner who had least made; offered chunks count as made.
    async fn offer(
        &mut self,
        mut line: HashMap<OwnerId, Vec<VideoRow>>,
        part: Part,
        workers: &[Worker],
        budget: &mut usize,
    ) -> Result<(), store::Error> {
        let planner = self.planner.clone();
        let mut open: HashMap<OwnerId, Open> = HashMap::new();
        let mut due: HashMap<OwnerId, u64> = HashMap::new();
        while *budget > 0 {
            let used = |owner: &OwnerId| {
                let due = due.get(owner).copied().unwrap_or(0);
                (self.usage.of(*owner) + due, *owner)
            };
            let owners = line.keys().chain(open.keys());
            let Some(owner) = owners.copied().min_by_key(used) else {
                return Ok(());
            };
            let Some(video) = open.get_mut(&owner) else {
                let row = line.get_mut(&owner).and_then(Vec::pop);
                match row {
                    Some(row) => {
                        if let Some(found) = self.look(row, part, workers, *budget).await? {
                            open.insert(owner, found);
                        }
                    }
                    None => drop(line.remove(&owner)),
                }
                continue;
            };
            let Some((scope, index)) = video.left.next() else {
                open.remove(&owner);
                continue;
            };
            let (id, plan) = (video.row.id, video.plan.clone());
            let chunk = Chunk {
                video: id,
                plan: video.row.current_plan.clone().unwrap_or_default(),
                scope,
                index,
            };
            // Both portions contain the chunks that come first.
            if !self.first.insert(chunk.clone()) {
                continue;
            }
            *due.entry(owner).or_default() += weight(&plan, scope, index) * UNITS;
            *budget -= 1;
            if !self.is_mine(id, workers) {
                continue;
            }
            self.waiting.insert(chunk.clone());
            let offered = planner.records.stores.work.offer(&chunk).await;
            let offered = offered.unwrap_or_else(|error| {
                tracing::debug!(%error, "a chunk could not be offered; nothing more is offered in this round");
                Offered::Full
            });
            match offered {
                Offered::Queued if !self.offered.insert(chunk) => {
                    // The chunk was offered before: it was made or lost, so the inventory may be wrong.
                    planner.inventory.forget(id);
                }
                Offered::Queued | Offered::Already => {}
                Offered::Full => *budget = 0,
            }
        }
        Ok(())
    }

    /// Lists the chunks that are left of a video; makes the video ready if none are.
    async fn look(
        &mut self,
        row: VideoRow,
        part: Part,
        workers: &[Worker],
        most: usize,
    ) -> Result<Option<Open>, store::Error> {
        let planner = self.planner.clone();
        let Some(hash) = &row.current_plan else {
            return Ok(None);
        };
        let plan = planner.plans.load(row.id, hash).await?;
        let inventory = planner.inventory.known(row.id).await?;
        let now = planner.records.stores.clock.now();
        self.usage.record(row.owner, row.id, inventory.segments());
        if self.is_mine(row.id, workers)
            && self
                .stuck
                .must_begin_anew(&row, &plan, &inventory, (workers, now))
        {
            let (planner, row) = (planner.clone(), row.clone());
            self.planner.sessions.tasks.spawn(async move {
                if let Err(error) =
                    new_encoder::renew(&planner, &row, None, Standing::Background).await
                {
                    tracing::warn!(%error, video = %row.id, "renditions could not be begun anew");
                }
            });
        }
        let backlog = Backlog {
            planner: &planner,
            row: &row,
            plan: &plan,
            inventory: &inventory,
        };
        let left: Vec<_> = match part {
            Part::First => backlog.first_chunks().take(most).collect(),
            Part::Rest => backlog.chunks().take(most).collect(),
        };
        if left.is_empty() && part == Part::First {
            self.begun.insert(row.id);
            return Ok(None);
        }
        if left.is_empty() {
            if self.is_mine(row.id, workers) {
                finish::finalize(&planner, &row, &plan).await?;
            }
            return Ok(None);
        }
        let left = left.into_iter();
        Ok(Some(Open { row, plan, left }))
    }
}

/// Number of segments in a chunk.
fn weight(plan: &Plan, scope: Scope, index: u32) -> u64 {
    match scope {
        Scope::Poster | Scope::Sheet | Scope::Texts | Scope::Loudness | Scope::Inits => 1,
        Scope::Lazy => {
            let each = plan.lazy.iter().map(|lazy| lazy.ids().count());
            each.max().unwrap_or(0) as u64
        }
        Scope::Start | Scope::All => {
            let (first, end) = plan.chunk_segments(index);
            u64::from(end.saturating_sub(first)) * plan.media_ids().count() as u64
        }
    }
}

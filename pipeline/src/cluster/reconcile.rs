//! What is left to do is offered, a little at a time: the plan minus what is stored, of the
//! videos that this worker looks after.
//!
//! Every worker works out the same order for all of them: interactive uploads before bulk ones, what each video needs first
//! before the rest of any, then the owner who had least of late, whose short videos come before the long ones. Only what comes first in it is offered: the queue hands
//! out in the order of the offers, so it must never be deep, and what does not come first any more
//! is withdrawn: who comes with little to do waits for what is in hand, and for nothing else.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use plan::{OwnerId, Plan, RenditionKey, VideoId};
use store::Moment;
use store::metadata::{PageRequest, Priority, Source, State, VideoRow};
use store::work::{Chunk, Offered, Scope, Worker};

use super::announce::Presence;
use super::chosen::looks_after;
use super::usage::{UNITS, Usage};
use crate::background::backlog::{Backlog, Urgency, due_us};
use crate::encoding::session::Standing;
use crate::plans::new_encoder;
use crate::plans::planner::Planner;
use crate::videos::inventory::VideoInventory;
use crate::videos::start::Starts;
use crate::videos::{finish, start};

/// Chunks offered for each worker: one in hand and one to go on with.
const OFFERED: usize = 2;
/// When nothing has been announced for so long, look anyway: announcements are hints, and
/// workers come and go without one.
const TICK: Duration = Duration::from_secs(2);
/// Between two looks: a burst of news is one look.
const APART: Duration = Duration::from_millis(250);
/// How long a video that waits is left to whoever was asked to start it, and one that has just
/// begun to the session that makes its first segments.
const BEGUN: Duration = Duration::from_secs(2);
/// How long a video may be probed before somebody else has a look.
const PROBED: Duration = Duration::from_secs(20);
/// How long a video that failed for lack of space stays as it is before a worker tries it again.
const FULL: Duration = Duration::from_secs(60);
/// When what some worker cannot go on with is begun anew, though another could.
const GIVEN_UP: Duration = Duration::from_secs(600);
/// When that is tried again, where it came to nothing.
const RENEWED: Duration = Duration::from_secs(30);
/// How long a chunk of another worker's video may stand at the front before what is known of that video is doubted: what was
/// stored of it may not have been heard of. Twice as long the next time, and a minute at most.
const DOUBTED: Duration = Duration::from_secs(5);
/// The longest of those times.
const DOUBTED_AT_MOST: Duration = Duration::from_secs(60);
/// Rows read at once.
const PAGE: u32 = 200;
/// Pages looked at: more unfinished videos than that wait.
const PAGES: usize = 50;

/// Reconciles for ever.
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
        doubts: HashMap::new(),
        usage: Usage::default(),
        begun: HashSet::new(),
        declined: HashMap::new(),
        renewed: HashMap::new(),
    };
    let clock = planner.records.stores.clock.clone();
    loop {
        let began = clock.now();
        if let Err(error) = reconciler.round().await {
            tracing::warn!(%error, "what is left to do cannot be offered");
        }
        // Looking takes a part of the time at most; one look that a store held up says nothing.
        let took = clock.now().since(began);
        clock.sleep((took * 4).clamp(APART, TICK)).await;
        tokio::select! {
            () = planner.records.backlog_changed.notified() => {}
            () = clock.sleep(TICK) => {}
        }
    }
}

struct Reconciler {
    planner: Arc<Planner>,
    starts: Arc<Starts>,
    presence: Arc<Presence>,
    /// Since when a video's row has been as it is.
    seen: HashMap<VideoId, (u64, Moment)>,
    /// What was offered and queued.
    offered: HashSet<Chunk>,
    /// What of it may still wait.
    waiting: HashSet<Chunk>,
    /// What comes first in this round, whoever offers it.
    first: HashSet<Chunk>,
    /// Chunks of that which other workers offer: when what is known of their videos is doubted.
    doubts: HashMap<Chunk, Doubt>,
    usage: Usage,
    /// Videos that have what comes first.
    begun: HashSet<VideoId>,
    /// Since when some worker cannot go on with a rendition that is not whole.
    declined: HashMap<RenditionKey, Moment>,
    /// When a video was last begun anew.
    renewed: HashMap<VideoId, Moment>,
}

/// When what is known of a chunk's video is doubted.
struct Doubt {
    /// The next time.
    at: Moment,
    /// How long after the time before.
    patience: Duration,
}

/// A video that has something to be made, most likely.
struct Open {
    row: VideoRow,
    plan: Arc<Plan>,
    /// What is left of it, in order, and how much each is.
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
    async fn round(&mut self) -> Result<(), store::Error> {
        let planner = self.planner.clone();
        let workers = self.presence.workers().await;
        let able = workers.iter().filter(|worker| !worker.drains).count();
        let rows = self.unfinished().await?;
        let is_unfinished: HashSet<VideoId> = rows.iter().map(|row| row.id).collect();
        let now = planner.records.stores.clock.now();
        self.usage.pass(now, |video| is_unfinished.contains(video));
        self.offered
            .retain(|chunk| is_unfinished.contains(&chunk.video));
        self.seen.retain(|video, _| is_unfinished.contains(video));
        self.declined
            .retain(|key, _| is_unfinished.contains(&key.video));
        self.renewed
            .retain(|video, _| is_unfinished.contains(video));
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
                    // What is due first is taken from the end.
                    rows.sort_by_key(|row| std::cmp::Reverse((due_us(row), row.id)));
                }
                self.offer(line, part, &workers, &mut budget).await?;
            }
        }
        self.doubt(&workers);
        self.withdraw().await;
        Ok(())
    }

    /// Has videos listed again of which the same chunk has stood at the front for long although another worker offers it: it
    /// may be stored, and would keep this worker from offering what comes after it.
    fn doubt(&mut self, workers: &[Worker]) {
        let now = self.planner.records.stores.clock.now();
        self.doubts.retain(|chunk, _| self.first.contains(chunk));
        for chunk in &self.first {
            if looks_after(chunk.video, workers) == Some(self.presence.id) {
                continue;
            }
            let doubt = self.doubts.entry(chunk.clone()).or_insert(Doubt {
                at: now + DOUBTED,
                patience: DOUBTED,
            });
            if now >= doubt.at {
                self.planner.inventory.forget(chunk.video);
                doubt.patience = (doubt.patience * 2).min(DOUBTED_AT_MOST);
                doubt.at = now + doubt.patience;
            }
        }
    }

    /// Withdraws what waits and does not come first any more.
    async fn withdraw(&mut self) {
        let late: Vec<Chunk> = self.waiting.difference(&self.first).cloned().collect();
        for chunk in late {
            // Where it was not there it is made, or in hand.
            match self.planner.records.stores.work.withdraw(&chunk).await {
                Ok(withdrawn) => {
                    self.waiting.remove(&chunk);
                    if withdrawn {
                        self.offered.remove(&chunk);
                    }
                }
                // In a later round.
                Err(error) => return tracing::debug!(%error, "an offer stays where it is"),
            }
        }
    }

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

    fn is_mine(&self, video: VideoId, workers: &[Worker]) -> bool {
        looks_after(video, workers) == Some(self.presence.id)
    }

    /// Whether a video's chunks are to be offered. Starts it where that is left undone.
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
                self.try_again(row.id);
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

    /// Goes on with a video that failed for lack of space, where there may be some again.
    fn try_again(&self, video: VideoId) {
        let (planner, starts) = (self.planner.clone(), self.starts.clone());
        self.planner.sessions.tasks.spawn(async move {
            if planner.records.has_space().await
                && let Err(error) = start::retry(&starts, video).await
            {
                tracing::warn!(%error, %video, "what lacked space is not gone on with");
            }
        });
    }

    /// Whether it was worked at before.
    fn is_begun(&self, row: &VideoRow) -> bool {
        let now_us = self.planner.records.stores.clock.now_us();
        let patience_us = i64::try_from(BEGUN.as_micros()).unwrap_or(i64::MAX);
        row.playable_at_us
            .is_some_and(|at| now_us.saturating_sub(at) > patience_us)
    }

    /// Offers chunk by chunk, of the owner who has had least, counting what is offered.
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
            // Both parts have what comes first.
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
                tracing::debug!(%error, "nothing more is offered in this round");
                Offered::Full
            });
            match offered {
                Offered::Queued if !self.offered.insert(chunk) => {
                    // Done with once already, or lost: what is known may be wrong.
                    planner.inventory.forget(id);
                }
                Offered::Queued | Offered::Already => {}
                Offered::Full => *budget = 0,
            }
        }
        Ok(())
    }

    /// Whether nobody can go on with something of a video, or nobody has for long who could.
    fn is_to_begin_anew(
        &mut self,
        row: &VideoRow,
        plan: &Plan,
        made: &VideoInventory,
        workers: &[Worker],
    ) -> bool {
        let now = self.planner.records.stores.clock.now();
        let mut is_over = false;
        for rendition in plan.every_media() {
            let key = RenditionKey {
                video: row.id,
                rendition,
            };
            let mut able = workers.iter().filter(|worker| !worker.drains);
            let declines = |worker: &Worker| worker.declines.contains(&key);
            let is_whole = made.count(rendition) >= u64::from(plan.segments());
            if is_whole || !able.clone().any(declines) {
                self.declined.remove(&key);
                continue;
            }
            let since = *self.declined.entry(key).or_insert(now);
            is_over |= able.all(declines) || now.since(since) >= GIVEN_UP;
        }
        let renewed = self.renewed.get(&row.id);
        let is_late = renewed.is_none_or(|&at| now.since(at) >= RENEWED);
        if is_over && is_late {
            self.renewed.insert(row.id, now);
        }
        is_over && is_late
    }

    /// What is left of a video; makes it ready where that is nothing.
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
        let made = planner.inventory.known(row.id).await?;
        self.usage.note(row.owner, row.id, made.segments());
        if self.is_mine(row.id, workers) && self.is_to_begin_anew(&row, &plan, &made, workers) {
            let (planner, row) = (planner.clone(), row.clone());
            self.planner.sessions.tasks.spawn(async move {
                if let Err(error) =
                    new_encoder::renew(&planner, &row, None, Standing::Background).await
                {
                    tracing::warn!(%error, video = %row.id, "nothing was begun anew");
                }
            });
        }
        let backlog = Backlog {
            planner: &planner,
            row: &row,
            plan: &plan,
            made: &made,
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

/// Segments of a chunk.
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

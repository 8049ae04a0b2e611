//! The start of a video's life: its source is probed and planned, the video becomes playable, and its first segments
//! are made.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use plan::{Code, Plan, RenditionId, VideoId, WorkKind};
use store::metadata::{PageRequest, PlanRef, Source, State, VideoRow};
use tokio::sync::{Semaphore, mpsc};

use crate::cluster::ask::{self, RemoteWorkers};
use crate::encoding::demand::{self, Demand};
use crate::encoding::session::{EncodingSession, SessionError, Standing, is_store_away};
use crate::plans::planner::Planner;
use crate::plans::{loudness, new_encoder};
use crate::uploads::Uploads;
use crate::videos::failure::{fail, failure, no_space};

/// Failures of the engine after which a video fails.
const FAULTS: u32 = 3;
/// Failures of another cause, such as ends of the engine without an error message, after which a video fails.
const TROUBLES: u32 = 10;
/// Doublings of the pause between two tries after such failures.
const DOUBLINGS: u32 = 5;
/// Doublings of the pause while a store is away: at most four seconds.
const DOUBLINGS_WHILE_STORE_IS_AWAY: u32 = 3;
/// Segments that the session that probed also makes; each takes about a second.
const FIRST_SEGMENTS: u32 = 2;
/// Bytes of memory for a session that starts a video, before its plan is known: the index of a 12-hour mp4 took 206 MB.
const START_BYTES: u64 = 256 << 20;
/// Rows that are read at once.
const PAGE: u32 = 100;

/// Starts videos, a few at a time.
pub(crate) struct Starts {
    pub(crate) planner: Arc<Planner>,
    demand: Arc<Demand>,
    uploads: Arc<Uploads>,
    /// The workers that an origin asks; `None` where this process starts videos itself.
    remote: Option<Arc<RemoteWorkers>>,
    /// Permits of the probes that run at once.
    permits: Semaphore,
    /// Videos that are being started, or wait to be started.
    starting: Mutex<HashSet<VideoId>>,
}

/// Probes that run at once: each reads an index and starts a video, and two keep two cores busy.
const PROBES: usize = 2;

impl Starts {
    pub(crate) fn new(
        planner: &Arc<Planner>,
        demand: &Arc<Demand>,
        uploads: &Arc<Uploads>,
        remote: Option<&Arc<RemoteWorkers>>,
    ) -> Self {
        Self {
            planner: planner.clone(),
            demand: demand.clone(),
            uploads: uploads.clone(),
            remote: remote.cloned(),
            permits: Semaphore::new(PROBES),
            starting: Mutex::default(),
        }
    }

    /// Whether a video is being started, or waits to be started.
    pub(crate) fn is_starting(&self, video: VideoId) -> bool {
        self.starting.lock().contains(&video)
    }
}

/// Ends the uploads that were under way when the process before ended: their connections died with it. The background
/// finds everything else that is unfinished.
pub(crate) async fn recover(starts: &Arc<Starts>) -> Result<(), store::Error> {
    let mut page = PageRequest::first(PAGE);
    loop {
        let videos = starts.planner.records.stores.metadata.videos();
        let rows = videos.list_unfinished(&page).await?;
        let receiving = rows
            .items
            .into_iter()
            .filter(|r| r.source == Source::Receiving);
        for row in receiving {
            let uploads = starts.planner.records.stores.metadata.uploads();
            for upload in uploads.list_by_video(&row.id).await? {
                crate::uploads::lose(&starts.uploads, row.id, upload.id, Code::UploadLost).await?;
            }
        }
        match rows.next {
            Some(cursor) => page = PageRequest::after(cursor, PAGE),
            None => return Ok(()),
        }
    }
}

/// Starts a video whose source is complete, unless that is under way; an origin asks a worker to start it.
pub(crate) fn begin(starts: &Arc<Starts>, video: VideoId) {
    if let Some(remote) = &starts.remote {
        let asking = ask::start(remote.clone(), video);
        return starts.planner.sessions.tasks.spawn(asking);
    }
    if !starts.starting.lock().insert(video) {
        return;
    }
    let starting = Starting(starts.clone(), video);
    starts.planner.sessions.tasks.spawn(async move {
        let starts = &starting.0;
        // An error is impossible: the semaphore is never closed.
        let permit = starts.permits.acquire().await;
        let started = until_started(starts, video).await;
        // The permit is given back first, so that other videos become playable before the first segments of this one
        // are made. A viewer may ask for these earlier.
        drop(permit);
        if let Some(started) = started {
            first_segments(starts, started).await;
        }
    });
}

/// Starts the videos whose uploads complete. Runs for ever.
pub(crate) async fn begin_completed(starts: Arc<Starts>, mut completions: mpsc::Receiver<VideoId>) {
    while let Some(video) = completions.recv().await {
        begin(&starts, video);
    }
}

/// Whether a video that is begun now would be started at once.
pub(crate) fn has_time(starts: &Starts) -> bool {
    starts.permits.available_permits() > 0
}

/// A video that has become playable, with its session.
struct Started {
    session: EncodingSession,
    plan: Arc<Plan>,
    /// The segments that the session has claimed.
    first: First,
}

/// Marks a video as being started until it is dropped.
struct Starting(Arc<Starts>, VideoId);

impl Drop for Starting {
    fn drop(&mut self) {
        self.0.starting.lock().remove(&self.1);
        self.0.planner.records.backlog_changed.notify_one();
    }
}

/// Tries to start a video until it is playable or has failed; returns the session of a playable one.
async fn until_started(starts: &Arc<Starts>, video: VideoId) -> Option<Started> {
    let (mut faults, mut troubles, mut waits) = (0, 0, 0);
    loop {
        let error = match start(starts, video).await {
            Ok(started) => return started,
            Err(error) => error,
        };
        tracing::warn!(%error, %video, "the start of a video failed");
        let away = is_store_away(&starts.planner.records, &error).await;
        let failure = match error {
            // The video was deleted meanwhile.
            SessionError::Store(store::Error::NotFound) => return None,
            SessionError::Store(store::Error::NoSpace) => {
                fail(&starts.planner.records, video, no_space()).await;
                return None;
            }
            SessionError::Fault(failure) if is_final(failure.code) => {
                fail(&starts.planner.records, video, failure).await;
                return None;
            }
            // The store comes back some time.
            error if away => {
                waits += 1;
                failure(Code::Internal, &error.to_string())
            }
            SessionError::Fault(failure) => {
                faults += 1;
                failure
            }
            other => {
                troubles += 1;
                failure(Code::Internal, &other.to_string())
            }
        };
        if faults >= FAULTS || troubles >= TROUBLES {
            fail(&starts.planner.records, video, failure).await;
            return None;
        }
        let doublings = if away {
            waits.min(DOUBLINGS_WHILE_STORE_IS_AWAY)
        } else {
            troubles.min(DOUBLINGS)
        };
        if let Some(doublings) = doublings.checked_sub(1) {
            let pause: Duration = starts.planner.config.pause * 2_u32.pow(doublings);
            let jitter = starts.planner.records.stores.jitter.up_to(pause / 4);
            starts
                .planner
                .records
                .stores
                .clock
                .sleep(pause + jitter)
                .await;
        }
    }
}

/// Whether another try cannot change the result of this code.
const fn is_final(code: Code) -> bool {
    !matches!(
        code,
        Code::EngineCrashed
            | Code::EngineTimeout
            | Code::EngineMemory
            | Code::Internal
            | Code::SourceUnreachable
    )
}

/// Starts a failed video again if its source is whole; returns whether that is so.
pub(crate) async fn retry(starts: &Arc<Starts>, video: VideoId) -> Result<bool, store::Error> {
    let may = |row: &VideoRow| row.state == State::Failed && row.source == Source::Complete;
    if !starts
        .planner
        .records
        .living(video)
        .await?
        .is_some_and(|row| may(&row))
    {
        return Ok(false);
    }
    starts
        .planner
        .records
        .stores
        .metadata
        .tries()
        .clear(&video)
        .await?;
    let mut again = false;
    let wait = |row: &mut VideoRow| {
        again = may(row);
        if again {
            row.state = State::Waiting;
            row.error = None;
        }
        again
    };
    starts.planner.records.change(video, wait).await?;
    begin(starts, video);
    Ok(again)
}

/// Probes and plans a video and makes it playable; returns `None` if the video does not wait to be started.
async fn start(starts: &Arc<Starts>, video: VideoId) -> Result<Option<Started>, SessionError> {
    let probing = |row: &mut VideoRow| {
        let waits = row.state == State::Waiting && row.source == Source::Complete;
        if waits {
            row.state = State::Probing;
        }
        waits
    };
    let row = starts.planner.records.change(video, probing).await?;
    if row.state != State::Probing {
        return Ok(None);
    }
    let share = starts.planner.sessions.memory.take(START_BYTES).await;
    let mut session =
        EncodingSession::open(&starts.planner.sessions, &row, Standing::Foreground, share)?;
    let info = session.probe().await?;
    let mut plan = plan::make_plan(&info, &starts.planner.config.policy)
        .map_err(|rejection| SessionError::Fault(failure(rejection.code, &rejection.message)))?;
    // A failed video may have a plan already: text files that people put beside it and codecs that they asked for are
    // kept.
    if let Some(before) = &row.current_plan {
        match starts.planner.plans.load(video, before).await {
            Ok(before) => {
                plan.side_cars = before.side_cars.clone();
                for lazy in &before.lazy {
                    plan = plan.with_codec(lazy.codec).unwrap_or(plan);
                }
            }
            // A broken plan may be the reason why the video failed.
            Err(store::Error::NotFound | store::Error::Corrupt { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    let plan = Arc::new(loudness::level_at_once(&starts.planner, &mut session, plan).await?);
    let renditions: Vec<RenditionId> = plan.media_ids().collect();
    // An earlier start may have stored init segments of another version of the encoder.
    let plan = new_encoder::store_inits(&starts.planner, &mut session, plan, &renditions).await?;
    let first = First::of(starts, &plan);
    session.reserve(&first.renditions, first.segments);
    become_playable(starts, &row, &plan).await?;
    Ok(Some(Started {
        session,
        plan,
        first,
    }))
}

/// The segments that every viewer asks for first.
struct First {
    renditions: Vec<RenditionId>,
    segments: u32,
}

impl First {
    /// Chooses the sound and the start rungs; while other viewers wait, only the first segment of the sound and one
    /// rung.
    fn of(starts: &Starts, plan: &Plan) -> Self {
        let mut renditions = plan.renditions_of(WorkKind::Start);
        let segments = if !starts.planner.config.viewers {
            0
        } else if starts.planner.sessions.waiting.others_wait(|_| false) {
            for &rung in plan.start_rungs().iter().skip(1) {
                renditions.retain(|id| *id != plan.video[rung].id);
            }
            1
        } else {
            plan.segments().min(FIRST_SEGMENTS)
        };
        Self {
            renditions,
            segments,
        }
    }
}

/// Makes the claimed first segments. The session then waits in the video's window for viewers, or for the background.
async fn first_segments(starts: &Arc<Starts>, started: Started) {
    let Started {
        mut session,
        plan,
        first,
    } = started;
    session.set_standing(Standing::Ahead);
    if let Err(error) = session
        .make_segments(&first.renditions, 0, first.segments)
        .await
    {
        tracing::debug!(%error, video = %session.video(), "the first segments were not made at the start");
        return;
    }
    demand::adopt(&starts.demand, &plan, session);
}

/// Stores a video's first plan, and makes the video playable.
async fn become_playable(
    starts: &Starts,
    row: &VideoRow,
    plan: &Arc<Plan>,
) -> Result<(), store::Error> {
    let hash = starts.planner.plans.save(row.id, plan).await?;
    let now = starts.planner.records.stores.clock.now_us();
    let size = plan.video.first().map(|v| v.size());
    starts
        .planner
        .records
        .change(row.id, |row| {
            if row.state != State::Probing {
                return false;
            }
            row.state = State::Playable;
            row.playable_at_us = Some(now);
            row.plans = vec![PlanRef {
                hash: hash.clone(),
                current_since_us: now,
                retired_at_us: None,
                leaves: false,
            }];
            row.current_plan = Some(hash.clone());
            row.notes = plan.info.notes.clone();
            row.duration_us = Some(plan.timeline.duration_us());
            row.width_px = size.map(|s| s.width);
            row.height_px = size.map(|s| s.height);
            true
        })
        .await?;
    Ok(())
}

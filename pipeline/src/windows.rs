//! A watch window: a warm session that makes what the viewers of one video ask for, and then
//! what they will ask for next, for as long as they are near.

mod ahead;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use plan::{Plan, SegmentKey, VideoId};
use store::ObjectKey;
use tokio::sync::Notify;
use transcoder::memory_of;

use self::ahead::Playheads;
use crate::demand::Pick;
use crate::inner::Inner;
use crate::memory::Share;
use crate::run::{Run, RunError, Standing};
use crate::tries;

/// Engines that may go away without a word, or cannot be started, before requests are told.
const TRIES: u32 = 3;

/// The window of one video.
pub(crate) struct Window {
    plan: Arc<Plan>,
    video: VideoId,
    playheads: Mutex<Playheads>,
    woken: Notify,
    leaves: AtomicBool,
}

impl Window {
    pub(crate) fn new(plan: Arc<Plan>, video: VideoId) -> Self {
        Self {
            plan,
            video,
            playheads: Mutex::default(),
            woken: Notify::new(),
            leaves: AtomicBool::new(false),
        }
    }

    /// Somebody waits for something of this video.
    pub(crate) fn wake(&self) {
        self.woken.notify_one();
    }

    /// Room is needed for another.
    pub(crate) fn leave(&self) {
        self.leaves.store(true, Ordering::Relaxed);
        self.wake();
    }

    /// A viewer is at this segment.
    pub(crate) fn near(&self, inner: &Inner, key: SegmentKey) {
        let now = inner.stores.clock.now();
        self.playheads.lock().at(key.rendition, key.index, now);
        self.wake();
    }

    pub(crate) const fn video(&self) -> VideoId {
        self.video
    }

    fn leaves(&self) -> bool {
        self.leaves.load(Ordering::Relaxed)
    }
}

/// Serves a video's viewers until they are gone.
pub(crate) async fn run(inner: Arc<Inner>, window: Arc<Window>) {
    let mut session = None;
    loop {
        if let Some(pick) = inner.demands.pick(&inner, window.video) {
            serve(&inner, &window, &mut session, pick).await;
            continue;
        }
        if window.leaves() {
            return;
        }
        let spare = session.is_some() && !inner.memory.is_short();
        if spare && let Some(pick) = ahead(&inner, &window).await {
            let made = tokio::select! {
                made = make(&inner, &window, &mut session, &pick, Standing::Ahead) => Some(made),
                // Somebody seeks away: a new session is there sooner than this one is free.
                () = asked(&inner, &window) => None,
            };
            match made {
                Some(Ok(())) => continue,
                // The background comes to it, and counts.
                Some(Err(error)) => {
                    tracing::debug!(%error, video = %window.video, "not made ahead");
                    session = None;
                }
                None => {
                    session = None;
                    continue;
                }
            }
        }
        if inner.memory.is_short() {
            session = None;
        }
        let patience = if session.is_some() {
            inner.config.window_idle
        } else {
            Duration::ZERO
        };
        let woken = inner.within(patience, window.woken.notified()).await;
        if woken.is_none() {
            if inner.demands.close(&window) {
                return;
            }
            // What is waited for is in somebody's hands, who says so when it is not any more.
            session = None;
            let patience = inner.config.window_idle;
            inner.within(patience, window.woken.notified()).await;
        }
    }
}

/// Ends when something is waited for that nobody is at.
async fn asked(inner: &Inner, window: &Window) {
    while inner.demands.pick(inner, window.video).is_none() {
        window.woken.notified().await;
    }
}

/// What a viewer will ask for next and nobody is at.
async fn ahead(inner: &Inner, window: &Window) -> Option<Pick> {
    let made = crate::made::known(inner, window.video).await.ok()?;
    let now = inner.stores.clock.now();
    let wanted = |rendition, index| {
        let key = SegmentKey {
            video: window.video,
            rendition,
            index,
        };
        index < window.plan.segments()
            && !made.has(rendition, index)
            && !inner.making.is_claimed(&key)
    };
    let (renditions, segment) = window.playheads.lock().next(now, wanted)?;
    Some(Pick {
        plan: window.plan.clone(),
        renditions,
        segment,
    })
}

/// Makes what is waited for, or tells who waits that it cannot be made now.
async fn serve(inner: &Arc<Inner>, window: &Window, session: &mut Option<Run>, pick: Pick) {
    // First come, first served: more at once would only be later, each of them.
    let turn = inner.within(inner.config.demand_wait, inner.turns.acquire());
    let made = match turn.await {
        Some(_turn) => make(inner, window, session, &pick, Standing::Foreground).await,
        None => Err(RunError::Busy),
    };
    if let Err(error) = &made {
        tracing::warn!(%error, video = %window.video, pick.segment, "a demand failed");
        *session = None;
    }
    for &rendition in &pick.renditions {
        let key = SegmentKey {
            video: window.video,
            rendition,
            index: pick.segment,
        };
        if inner.demands.is_waited_for(&key) && !inner.making.is_claimed(&key) {
            // Stored all the same, or what is known of the store is wrong.
            match inner.stored(&ObjectKey::Segment(key)).await {
                Ok(bytes) => inner.demands.made(&key, &bytes),
                Err(_) => {
                    inner.made.forget(window.video);
                    inner.demands.give_up(&key);
                }
            }
        }
    }
}

async fn make(
    inner: &Arc<Inner>,
    window: &Window,
    session: &mut Option<Run>,
    pick: &Pick,
    standing: Standing,
) -> Result<(), RunError> {
    let mut tries = 0;
    loop {
        tries += 1;
        let run = ready(inner, window, session, pick).await?;
        run.set_standing(standing);
        let made = run.segments(&pick.renditions, pick.segment, 1).await;
        let Err(error) = made else { return Ok(()) };
        *session = None;
        match error {
            error if error.is_unreachable() => return Err(error),
            RunError::Fault(failure) if standing == Standing::Foreground => {
                tracing::warn!(%failure, video = %window.video, pick.segment, "a demand failed");
                let work = tries::Work {
                    renditions: &pick.renditions,
                    first: pick.segment,
                    count: 1,
                };
                let row = inner.living(window.video).await?;
                let row = row.ok_or(store::Error::NotFound)?;
                return tries::isolate(inner, &row, &pick.plan, work, standing).await;
            }
            RunError::Unexplained | RunError::Start(_) if tries < TRIES => {
                tracing::warn!(%error, video = %window.video, pick.segment, tries, "tried again");
            }
            error => return Err(error),
        }
    }
}

/// The window's session, opened if there is none that will do.
async fn ready<'a>(
    inner: &Arc<Inner>,
    window: &Window,
    session: &'a mut Option<Run>,
    pick: &Pick,
) -> Result<&'a mut Run, RunError> {
    let bytes = memory_of(&pick.plan, &pick.renditions);
    let warm = session.take().or_else(|| warm(inner, window.video));
    // What has too small a share gives it back before it asks for a larger one.
    let fits = warm.filter(|run| run.share().covers(bytes, &inner.memory));
    let mut run = match fits {
        Some(run) => run,
        None => {
            let share = share(inner, bytes).await?;
            let row = inner.living(window.video).await?;
            let row = row.ok_or(store::Error::NotFound)?;
            Run::open(inner, &row, Standing::Foreground, share)?
        }
    };
    run.plan(&pick.plan).await;
    Ok(session.insert(run))
}

/// Memory for a session; one that only stays warm for another video makes room.
async fn share(inner: &Inner, bytes: u64) -> Result<Share, RunError> {
    if let Some(share) = inner.memory.try_take(bytes) {
        return Ok(share);
    }
    let warm = inner.warm.lock().take();
    drop(warm);
    let share = inner.memory.take(bytes);
    let share = inner.within(inner.config.demand_wait, share).await;
    share.ok_or(RunError::Busy)
}

/// The session that started this video, if it is still warm.
pub(crate) fn warm(inner: &Inner, video: VideoId) -> Option<Run> {
    let mut slot = inner.warm.lock();
    match &*slot {
        Some(run) if run.video() == video => slot.take(),
        _ => None,
    }
}

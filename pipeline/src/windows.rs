//! A watch window: a warm session that makes what the viewers of one video ask for, and then
//! what they will ask for next, for as long as they are near.

mod ahead;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use plan::{Plan, RenditionId, SegmentKey, VideoId};
use store::ObjectKey;
use tokio::sync::{Notify, oneshot};
use tokio_util::sync::CancellationToken;

use self::ahead::Playheads;
use crate::demand::Pick;
use crate::inner::Inner;
use crate::memory::Share;
use crate::run::{Run, RunError, Standing, Stands};
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
    /// Ends what was being made when those who waited for it went elsewhere.
    deserted: Mutex<Option<CancellationToken>>,
}

impl Window {
    pub(crate) fn new(plan: Arc<Plan>, video: VideoId) -> Self {
        Self {
            plan,
            video,
            playheads: Mutex::default(),
            woken: Notify::new(),
            leaves: AtomicBool::new(false),
            deserted: Mutex::default(),
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

    /// With the sound of a picture's time: players ask for it at the same time or right after,
    /// and it costs a tenth.
    fn with_sound(&self, mut pick: Pick) -> Pick {
        let is_sound = |id: RenditionId| pick.plan.audio_rendition(id).is_some();
        if pick.renditions.iter().any(|&id| is_sound(id)) {
            return pick;
        }
        let heard = self.playheads.lock().latest(is_sound);
        let sounds = &pick.plan.audio;
        let usual = || sounds.iter().find(|sound| sound.default).or(sounds.first());
        let sound = heard.or_else(|| usual().map(|sound| sound.id));
        pick.renditions.extend(sound);
        pick
    }

    /// What is deserted ends.
    fn end_deserted(&self) {
        if let Some(deserted) = self.deserted.lock().take() {
            deserted.cancel();
        }
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
            let stands = Stands::new(Standing::Ahead);
            let made = tokio::select! {
                made = make(&inner, &window, &mut session, &pick, &stands) => Some(made),
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
        let mut memory = inner.memory.changes();
        let news = async {
            tokio::select! {
                () = window.woken.notified() => {}
                // The sender lives as long as the pipeline.
                _ = memory.changed(), if session.is_some() => {}
            }
        };
        let woken = inner.within(patience, news).await;
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
async fn serve(inner: &Arc<Inner>, window: &Arc<Window>, session: &mut Option<Run>, pick: Pick) {
    let pick = Arc::new(window.with_sound(pick));
    // First come, first served: more at once would only be later, each of them.
    let turn = inner.within(inner.config.demand_wait, inner.turns.acquire());
    let made = match turn.await {
        Some(_turn) => {
            let stands = Stands::new(Standing::Foreground);
            let stop = CancellationToken::new();
            let making = spawn(inner, window, session.take(), &pick, &stands, &stop);
            tokio::select! {
                biased;
                done = making => {
                    // Without a word only when the pipeline stops.
                    let Ok((run, made)) = done else { return };
                    *session = run;
                    made
                }
                () = deserted(inner, window, &pick) => {
                    // Half made, and likely to be asked for again: it goes on when nobody
                    // waits. One of these at a time, which bounds the memory.
                    stands.set(Standing::Background);
                    window.end_deserted();
                    *window.deserted.lock() = Some(stop);
                    return;
                }
            }
        }
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

/// Makes a pick beside whoever waits for it, and hands the session back.
fn spawn(
    inner: &Arc<Inner>,
    window: &Arc<Window>,
    mut session: Option<Run>,
    pick: &Arc<Pick>,
    stands: &Stands,
    stop: &CancellationToken,
) -> oneshot::Receiver<(Option<Run>, Result<(), RunError>)> {
    let (done, making) = oneshot::channel();
    let (task, window, pick) = (inner.clone(), window.clone(), pick.clone());
    let (stands, stop) = (stands.clone(), stop.clone());
    inner.spawn(async move {
        let make = make(&task, &window, &mut session, &pick, &stands);
        if let Some(made) = stop.run_until_cancelled(make).await {
            // Nobody listens any more where it was deserted.
            let _ = done.send((session, made));
        }
    });
    making
}

/// Ends when nobody waits for the pick any more, but for something else of the video.
async fn deserted(inner: &Inner, window: &Window, pick: &Pick) {
    let mut changes = inner.demands.changes();
    loop {
        let is_waited_for = pick.renditions.iter().any(|&rendition| {
            let key = SegmentKey {
                video: window.video,
                rendition,
                index: pick.segment,
            };
            inner.demands.is_waited_for(&key)
        });
        if !is_waited_for && inner.demands.pick(inner, window.video).is_some() {
            return;
        }
        // The sender lives as long as the pipeline.
        let _ = changes.changed().await;
    }
}

async fn make(
    inner: &Arc<Inner>,
    window: &Window,
    session: &mut Option<Run>,
    pick: &Pick,
    stands: &Stands,
) -> Result<(), RunError> {
    let mut tries = 0;
    loop {
        tries += 1;
        let run = ready(inner, window, session, pick).await?;
        run.stand(stands.clone());
        let made = run.segments(&pick.renditions, pick.segment, 1).await;
        let Err(error) = made else { return Ok(()) };
        *session = None;
        match error {
            error if error.is_unreachable() => return Err(error),
            RunError::Fault(failure) if stands.get() == Standing::Foreground => {
                tracing::warn!(%failure, video = %window.video, pick.segment, "a demand failed");
                let work = tries::Work {
                    renditions: &pick.renditions,
                    first: pick.segment,
                    count: 1,
                };
                let row = inner.living(window.video).await?;
                let row = row.ok_or(store::Error::NotFound)?;
                return tries::isolate(inner, &row, &pick.plan, work, stands.get()).await;
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
    let bytes = inner.memory_for(&pick.plan, &pick.renditions);
    let warm = session.take().or_else(|| warm(inner, window.video));
    // What has too small a share gives it back before it asks for a larger one.
    let fits = warm.and_then(|run| run.grown(bytes));
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

/// Memory for a session; one that nobody waits for makes room.
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

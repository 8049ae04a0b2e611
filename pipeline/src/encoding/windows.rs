//! A watch window: a warm session that makes what the viewers of one video ask for, and then
//! what they will ask for next, for as long as they are near.

mod ahead;

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use plan::{Plan, RenditionId, RenditionKey, RenditionName, SegmentKey, VideoId};
use store::ObjectKey;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use self::ahead::{Place, Playheads};
use crate::encoding::demand::Pick;
use crate::encoding::session::{EncodingSession, SessionError, Standing};
use crate::encoding::tries;
use crate::encoding::turns::{Asked, Network, Viewer};
use crate::inner::Inner;
use crate::plans::new_encoder;

/// Engines that may go away without a word, or cannot be started, before requests are told.
const TRIES: u32 = 3;

/// Plans of one video that its viewers are at: the current one, and some that were.
const PLANS: usize = 4;

/// The window of one video.
pub(crate) struct Window {
    /// Those by which it was asked for something, the latest first.
    plans: Mutex<VecDeque<Arc<Plan>>>,
    video: VideoId,
    /// Whose first request opened it.
    network: Option<Network>,
    playheads: Mutex<Playheads>,
    /// Its session while there is nothing to do.
    idle: Mutex<Option<EncodingSession>>,
    woken: Notify,
    leaves: AtomicBool,
}

impl Window {
    pub(crate) fn new(plan: Arc<Plan>, video: VideoId, network: Option<Network>) -> Self {
        Self {
            plans: Mutex::new(VecDeque::from([plan])),
            video,
            network,
            playheads: Mutex::default(),
            idle: Mutex::default(),
            woken: Notify::new(),
            leaves: AtomicBool::new(false),
        }
    }

    /// Somebody waits for something of this video.
    pub(crate) fn wake(&self) {
        self.woken.notify_one();
    }

    /// Has a session that is warm already.
    pub(crate) fn adopt(&self, run: EncodingSession) {
        let before = self.idle.lock().replace(run);
        drop(before);
        self.wake();
    }

    /// Hands over its session, where no viewer is near.
    pub(crate) fn lend(&self, inner: &Inner) -> Option<EncodingSession> {
        let is_near = self.playheads.lock().is_any(inner.stores.clock.now());
        if is_near {
            None
        } else {
            self.idle.lock().take()
        }
    }

    /// Room is needed for another.
    pub(crate) fn leave(&self) {
        self.leaves.store(true, Ordering::Relaxed);
        self.wake();
    }

    /// A viewer goes by this plan.
    pub(crate) fn learn(&self, plan: &Arc<Plan>) {
        let mut plans = self.plans.lock();
        plans.retain(|known| !Arc::ptr_eq(known, plan));
        plans.push_front(plan.clone());
        plans.truncate(PLANS);
    }

    /// The latest plan that has this rendition's media.
    pub(crate) fn plan_of(&self, rendition: RenditionId) -> Option<Arc<Plan>> {
        let plans = self.plans.lock();
        plans.iter().find(|plan| plan.has_media(rendition)).cloned()
    }

    /// A viewer is at this segment, which is none where no plan that it knows has one. Who winds or drags is nowhere yet.
    pub(crate) fn near(&self, inner: &Inner, key: SegmentKey, viewer: &Viewer) {
        let Some(plan) = self.plan_of(key.rendition) else {
            return;
        };
        if key.index >= plan.segments() {
            return;
        }
        if is_trick_play(key.rendition) {
            return self.wake();
        }
        let place = Place {
            rendition: key.rendition,
            is_sound: plan.audio_rendition(key.rendition).is_some(),
            segment: key.index,
        };
        let now = inner.stores.clock.now();
        self.playheads.lock().at(place, viewer, now);
        self.wake();
    }

    /// A viewer is about to go on in this rendition from where they are.
    pub(crate) fn switched(&self, inner: &Inner, to: RenditionId, viewer: &Viewer) {
        if is_trick_play(to) {
            return;
        }
        let plan = self.plan_of(to);
        let is_sound = plan.is_some_and(|plan| plan.audio_rendition(to).is_some());
        let at = self.playheads.lock().latest(is_sound);
        if let Some(Place { segment, .. }) = at {
            let key = SegmentKey {
                video: self.video,
                rendition: to,
                index: segment,
            };
            self.near(inner, key, viewer);
        }
    }

    /// With the sound of a picture's time: players ask for it at the same time or right after,
    /// and it costs a tenth.
    fn with_sound(&self, mut pick: Pick) -> Pick {
        let is_sound = |id: RenditionId| pick.plan.audio_rendition(id).is_some();
        if pick
            .renditions
            .iter()
            .any(|&id| is_sound(id) || is_trick_play(id))
        {
            return pick;
        }
        let heard = self.playheads.lock().latest(true);
        let sounds = &pick.plan.audio;
        let usual = || sounds.iter().find(|sound| sound.default).or(sounds.first());
        // Who plays on by an older plan hears a sound that this one may not have.
        let heard = heard
            .map(|place| place.rendition)
            .filter(|&id| is_sound(id));
        let sound = heard.or_else(|| usual().map(|sound| sound.id));
        pick.renditions.extend(sound);
        pick
    }

    pub(crate) const fn network(&self) -> Option<Network> {
        self.network
    }

    pub(crate) const fn video(&self) -> VideoId {
        self.video
    }

    fn leaves(&self) -> bool {
        self.leaves.load(Ordering::Relaxed)
    }
}

const fn is_trick_play(id: RenditionId) -> bool {
    matches!(id.name(), RenditionName::TrickPlay(_))
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
        session = session.or_else(|| window.idle.lock().take());
        let mut memory = inner.memory.changes();
        if session.as_mut().is_some_and(EncodingSession::is_to_leave) {
            session = None;
        }
        if session.is_some()
            && let Some(pick) = ahead(&inner, &window).await
        {
            let asked = asked(&inner, &window);
            match make(&inner, &window, &mut session, &pick, Standing::Ahead, asked).await {
                Ok(_) => continue,
                // The background comes to it, and counts.
                Err(error) => {
                    tracing::debug!(%error, video = %window.video, "not made ahead");
                    session = None;
                }
            }
        }
        let is_warm = session.is_some();
        *window.idle.lock() = session.take();
        let patience = if is_warm {
            inner.config.window_idle
        } else {
            Duration::ZERO
        };
        let news = async {
            tokio::select! {
                () = window.woken.notified() => {}
                // The sender lives as long as the pipeline.
                _ = memory.changed(), if is_warm => {}
            }
        };
        let woken = inner.records.within(patience, news).await;
        if woken.is_none() {
            let cold = window.idle.lock().take();
            drop(cold);
            if inner.demands.close(&window) {
                return;
            }
            // What is waited for is in somebody's hands, who says so when it is not any more.
            let patience = inner.config.window_idle;
            inner
                .records
                .within(patience, window.woken.notified())
                .await;
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
    let made = inner.inventory.known(window.video).await.ok()?;
    let now = inner.stores.clock.now();
    let wanted = |rendition, index| {
        let key = SegmentKey {
            video: window.video,
            rendition,
            index,
        };
        let declined = RenditionKey {
            video: window.video,
            rendition,
        };
        let plan = window.plan_of(rendition);
        plan.is_some_and(|plan| index < plan.segments())
            && !inner.plans.declined.has(declined)
            && !made.has(rendition, index)
            && !inner.claims.is_claimed(&key)
    };
    let (mut renditions, segment) = window.playheads.lock().next(now, wanted)?;
    let plan = window.plan_of(*renditions.first()?)?;
    // Who goes by another plan comes next.
    renditions.retain(|&rendition| plan.has_media(rendition));
    Some(Pick {
        asked: Asked::default(),
        plan,
        renditions,
        segment,
    })
}

/// Makes what is waited for, or tells who waits that it cannot be made now.
async fn serve(
    inner: &Arc<Inner>,
    window: &Arc<Window>,
    session: &mut Option<EncodingSession>,
    pick: Pick,
) {
    // By turns: more at once would only be later, each of them.
    let turn = inner.turns.ask(&pick.asked, window.video);
    let turn = inner.records.within(inner.config.demand_wait, turn);
    let turn = tokio::select! {
        turn = turn => turn,
        () = deserted(inner, window, &pick) => return,
    };
    let Some(Ok(_turn)) = turn else {
        tracing::debug!(video = %window.video, pick.segment, "its turn did not come");
        return give_up(inner, window, &pick).await;
    };
    // What came to be waited for meanwhile: the picture of a time and its sound are one turn.
    let mut at = None;
    while let Some(pick) = inner.demands.pick(inner, window.video)
        && *at.get_or_insert(pick.segment) == pick.segment
    {
        let pick = window.with_sound(pick);
        let deserted = deserted(inner, window, &pick);
        let standing = Standing::Foreground;
        match make(inner, window, session, &pick, standing, deserted).await {
            Ok(Extent::Whole) => {}
            Ok(Extent::Part) => return,
            Err(error) => {
                tracing::warn!(%error, video = %window.video, pick.segment, "a demand failed");
                *session = None;
            }
        }
        give_up(inner, window, &pick).await;
    }
}

/// Tells who waits for any of a pick that it was not made.
async fn give_up(inner: &Inner, window: &Window, pick: &Pick) {
    for key in pick.keys(window.video) {
        if inner.demands.is_waited_for(&key) && !inner.claims.is_claimed(&key) {
            // Stored all the same, or what is known of the store is wrong.
            match inner.records.stored(&ObjectKey::Segment(key)).await {
                Ok(bytes) => inner.demands.made(&key, &bytes),
                Err(_) => {
                    inner.inventory.forget(window.video);
                    inner.demands.give_up(&key);
                }
            }
        }
    }
}

/// Ends when nobody waits for the pick any more, but for something elsewhere in the video.
async fn deserted(inner: &Inner, window: &Window, pick: &Pick) {
    let (demands, video) = (&inner.demands, window.video);
    let mut changes = demands.changes();
    while pick.keys(video).any(|key| demands.is_waited_for(&key))
        || !demands.waits_elsewhere(inner, video, pick.segment)
    {
        // The sender lives as long as the pipeline.
        let _ = changes.changed().await;
    }
}

/// How much of a pick was made.
enum Extent {
    Whole,
    /// What was whole when it was told to end.
    Part,
}

/// Makes a pick, or what is whole of it when `until` is over: the session is free then.
async fn make(
    inner: &Arc<Inner>,
    window: &Window,
    session: &mut Option<EncodingSession>,
    pick: &Pick,
    standing: Standing,
    until: impl Future<Output = ()>,
) -> Result<Extent, SessionError> {
    let stop = CancellationToken::new();
    let making = make_all(inner, window, session, pick, standing, &stop);
    tokio::pin!(making);
    tokio::select! {
        biased;
        made = &mut making => return made.map(|()| Extent::Whole),
        () = until => stop.cancel(),
    }
    making.await.map(|()| Extent::Part)
}

async fn make_all(
    inner: &Arc<Inner>,
    window: &Window,
    session: &mut Option<EncodingSession>,
    pick: &Pick,
    standing: Standing,
    stop: &CancellationToken,
) -> Result<(), SessionError> {
    let mut tries = 0;
    loop {
        tries += 1;
        let ready = ready(inner, window, session, pick);
        let Some(run) = stop.run_until_cancelled(ready).await else {
            return Ok(());
        };
        let run = run?;
        run.set_standing(standing);
        run.next_until(stop.clone());
        let made = run.segments(&pick.renditions, pick.segment, 1).await;
        let Err(error) = made else { return Ok(()) };
        *session = None;
        match error {
            error if error.is_unreachable() => return Err(error),
            SessionError::Fault(failure) if standing == Standing::Foreground => {
                tracing::warn!(%failure, video = %window.video, pick.segment, "a demand failed");
                let work = tries::Work {
                    renditions: &pick.renditions,
                    first: pick.segment,
                    count: 1,
                };
                let row = inner.records.living(window.video).await?;
                let row = row.ok_or(store::Error::NotFound)?;
                return tries::isolate(inner, &row, &pick.plan, work, standing).await;
            }
            SessionError::Foreign(rendition) => {
                let row = inner.records.living(window.video).await?;
                let row = row.ok_or(store::Error::NotFound)?;
                new_encoder::decline(inner, &row, rendition, standing).await?;
                return Err(error);
            }
            SessionError::Unexplained | SessionError::Start(_) if tries < TRIES => {
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
    session: &'a mut Option<EncodingSession>,
    pick: &Pick,
) -> Result<&'a mut EncodingSession, SessionError> {
    let bytes = inner.memory_for(&pick.plan, &pick.renditions);
    let warm = session.take().or_else(|| window.idle.lock().take());
    // What has too small a share gives it back before it asks for a larger one.
    let fits = match warm {
        Some(run) => run.grown(bytes).await,
        None => None,
    };
    let mut run = match fits {
        Some(run) => run,
        None => {
            let share = inner.memory.take(bytes);
            let share = inner.records.within(inner.config.demand_wait, share).await;
            let share = share.ok_or(SessionError::Busy)?;
            let row = inner.records.living(window.video).await?;
            let row = row.ok_or(store::Error::NotFound)?;
            EncodingSession::open(inner, &row, Standing::Foreground, share)?
        }
    };
    run.plan(&pick.plan).await;
    Ok(session.insert(run))
}

/// The session of a window at which nobody is: the one that started this video, if it is warm.
pub(crate) fn warm(inner: &Inner, video: VideoId) -> Option<EncodingSession> {
    inner.demands.window(video)?.lend(inner)
}

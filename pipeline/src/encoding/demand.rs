//! A player's request for a segment that is not there is the demand that makes it. All
//! requests for a segment wait together.

mod pick;
mod request;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use parking_lot::Mutex;
use plan::{Plan, RenditionId, RenditionKey, SegmentKey, VideoId};
use store::ObjectKey;
use store::work::Wanted;
use tokio::sync::{Notify, watch};

pub(crate) use self::pick::Pick;
use self::request::{Request, Unserved};
use crate::answers::{Delivered, DemandError};
use crate::cluster::ask;
use crate::encoding::session::EncodingSession;
use crate::encoding::turns::{Asked, Network, Viewer};
use crate::encoding::windows::{self, Window};
use crate::inner::Inner;

/// Windows and waited-for segments of one network while others wait: two viewers' worth.
const WINDOWS_OF_ONE: usize = 2;
const SEGMENTS_OF_ONE: usize = 4;
/// Requests that wait for the same segment.
struct Waiter {
    made: watch::Sender<Option<Bytes>>,
    requests: usize,
    /// By whom first, and until when at the latest.
    asked: Asked,
    plan: Arc<Plan>,
    /// It is said to be stored.
    heard: Arc<Notify>,
}

#[derive(Default)]
struct State {
    waiting: HashMap<SegmentKey, Waiter>,
    requests: usize,
    unserved: Unserved,
    windows: HashMap<VideoId, Arc<Window>>,
}

/// Demands that wait, and the windows that serve them.
pub(crate) struct Demands {
    state: Mutex<State>,
    changed: watch::Sender<u64>,
}

impl Default for Demands {
    fn default() -> Self {
        Self {
            state: Mutex::default(),
            changed: watch::Sender::new(0),
        }
    }
}

impl State {
    /// Whether a network has its share already, and others wait.
    fn has_its_share(&self, network: Option<Network>) -> bool {
        let waiting = || self.waiting.values();
        let own = waiting().filter(|waiter| waiter.asked.viewer.network == network);
        network.is_some()
            && own.count() >= SEGMENTS_OF_ONE
            && waiting().any(|waiter| waiter.asked.viewer.network != network)
    }

    /// As much for windows.
    fn has_its_windows(&self, network: Option<Network>) -> bool {
        let own = self.windows.values().filter(|w| w.network() == network);
        network.is_some()
            && own.count() >= WINDOWS_OF_ONE
            && self
                .waiting
                .values()
                .any(|waiter| waiter.asked.viewer.network != network)
    }
}

impl Demands {
    /// A segment was stored: whoever waits for it has it.
    pub(crate) fn made(&self, key: &SegmentKey, bytes: &Bytes) {
        self.resolve(key, Some(bytes.clone()));
    }

    /// Whoever waits for it is told that they wait in vain.
    pub(crate) fn give_up(&self, key: &SegmentKey) {
        self.resolve(key, None);
    }

    fn resolve(&self, key: &SegmentKey, outcome: Option<Bytes>) {
        let waiter = self.state.lock().waiting.remove(key);
        if let Some(waiter) = waiter {
            // Dropped unsent, the sender says that nothing comes.
            if outcome.is_some() {
                waiter.made.send_replace(outcome);
            }
            self.tell();
        }
    }

    fn tell(&self) {
        self.changed.send_modify(|version| *version += 1);
    }

    /// A segment is said to be stored, by somebody else.
    pub(crate) fn heard(&self, key: &SegmentKey) {
        if let Some(waiter) = self.state.lock().waiting.get(key) {
            waiter.heard.notify_one();
        }
    }

    /// Something was said that was not heard: everything may be stored.
    pub(crate) fn heard_all(&self) {
        for waiter in self.state.lock().waiting.values() {
            waiter.heard.notify_one();
        }
    }

    /// By whom a segment is waited for, while those wait who did when `heard` was theirs.
    pub(crate) fn still_asked(&self, key: &SegmentKey, heard: &Arc<Notify>) -> Option<Asked> {
        let state = self.state.lock();
        let waiter = state.waiting.get(key)?;
        Arc::ptr_eq(&waiter.heard, heard).then(|| waiter.asked.clone())
    }

    /// Videos that a session is warm for, in the order of their ids.
    pub(crate) fn warm_videos(&self) -> Vec<VideoId> {
        let mut videos: Vec<_> = self.state.lock().windows.keys().copied().collect();
        videos.sort_unstable();
        videos
    }

    /// Changes whenever a segment begins or ceases to be waited for, or a window opens or closes.
    pub(crate) fn changes(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    /// Whether anything is waited for, and nothing of it is one's own.
    pub(crate) fn others_wait(&self, is_own: impl Fn(&SegmentKey) -> bool) -> bool {
        let state = self.state.lock();
        !state.waiting.is_empty() && !state.waiting.keys().any(is_own)
    }

    /// Who waits for any of these, the most urgent.
    pub(crate) fn asked_of(&self, of: impl Fn(&SegmentKey) -> bool) -> Option<Asked> {
        let state = self.state.lock();
        let waiting = state.waiting.iter().filter(|(key, _)| of(key));
        let asked = waiting.map(|(_, waiter)| &waiter.asked);
        let urgent = asked.min_by_key(|asked| (!asked.second_try, asked.deadline));
        urgent.cloned()
    }

    /// The window of a video, if it has one.
    pub(crate) fn window(&self, video: VideoId) -> Option<Arc<Window>> {
        self.state.lock().windows.get(&video).cloned()
    }

    /// Takes a window away unless somebody waits for its video; tells whether it is gone.
    pub(crate) fn close(&self, window: &Arc<Window>) -> bool {
        let mut state = self.state.lock();
        let video = window.video();
        let wanted = state.waiting.keys().any(|key| key.video == video);
        let known = state.windows.get(&video);
        // Another may stand in its place already.
        let own = known.is_some_and(|known| Arc::ptr_eq(known, window));
        if own && !wanted {
            state.windows.remove(&video);
            drop(state);
            self.tell();
        }
        !own || !wanted
    }

    /// Takes all windows away; tells whether there were any.
    pub(crate) fn close_all(&self) -> bool {
        // Dropped after the lock: sessions that end look for who waits.
        let windows = std::mem::take(&mut self.state.lock().windows);
        !windows.is_empty()
    }

    /// Whether somebody waits for it.
    pub(crate) fn is_waited_for(&self, key: &SegmentKey) -> bool {
        self.state.lock().waiting.contains_key(key)
    }
}

/// A segment: stored, or made now.
pub(crate) async fn segment(
    inner: &Arc<Inner>,
    key: SegmentKey,
    viewer: Viewer,
) -> Result<Delivered, DemandError> {
    let object = ObjectKey::Segment(key);
    let stored = |bytes| Delivered {
        bytes,
        made_in: Duration::ZERO,
    };
    match inner.records.stored(&object).await {
        Err(DemandError::NotFound) => {}
        Ok(bytes) => {
            near(inner, key, &viewer);
            return Ok(stored(bytes));
        }
        Err(other) => return Err(other),
    }
    let began = inner.stores.clock.now();
    let mut request = request(inner, key, &viewer, false).await?;
    // Stored between the look and the request.
    if let Ok(bytes) = inner.records.stored(&object).await {
        request.served = true;
        return Ok(stored(bytes));
    }
    if !inner.asks() {
        serve(inner, &request, &viewer)?;
    } else if let Some(heard) = request.first.take() {
        inner.tasks.spawn(ask::segment(inner.clone(), key, heard));
    }
    let arrived = inner
        .records
        .within(inner.config.demand_wait, request.wait())
        .await;
    let bytes = arrived.flatten().ok_or(DemandError::NotReady)?;
    Ok(Delivered {
        bytes,
        made_in: inner.stores.clock.now().since(began),
    })
}

/// Waits for a segment that is not stored.
pub(crate) async fn request<'a>(
    inner: &'a Inner,
    key: SegmentKey,
    viewer: &Viewer,
    second_try: bool,
) -> Result<Request<'a>, DemandError> {
    let plan = inner.plans.listing(key.video, key.rendition).await?;
    let plan = plan.ok_or(DemandError::NotFound)?;
    if !plan.has_media(key.rendition) || key.index >= plan.segments() {
        return Err(DemandError::NotFound);
    }
    let rendition = RenditionKey {
        video: key.video,
        rendition: key.rendition,
    };
    if inner.plans.is_given_up(&plan, rendition).await? {
        return Err(DemandError::Gone);
    }
    let request = Request::new(inner, &plan, key, viewer, second_try);
    request.ok_or(DemandError::NotReady)
}

/// Has its video's window make what is waited for.
pub(crate) fn serve(
    inner: &Arc<Inner>,
    request: &Request<'_>,
    viewer: &Viewer,
) -> Result<(), DemandError> {
    let Request { key, plan, .. } = request;
    let opened = open_window(inner, plan, key.video, viewer.network);
    if !inner.claims.is_claimed(key) {
        opened?;
    }
    if let Some(window) = inner.demands.window(key.video) {
        window.near(inner, *key, viewer);
    }
    Ok(())
}

/// A segment was served. Nobody waits for what follows yet, so only a window that is there
/// already is told; likewise below.
pub(crate) fn handed_out(inner: &Arc<Inner>, key: SegmentKey, viewer: &Viewer) {
    if inner.asks() {
        ask::tell(inner, Wanted::Near(key), viewer);
    } else {
        near(inner, key, viewer);
    }
}

/// A viewer is at a segment: the video's window goes on from there.
fn near(inner: &Arc<Inner>, key: SegmentKey, viewer: &Viewer) {
    let (told, viewer) = (inner.clone(), viewer.clone());
    known(inner, key.video, key.rendition, move |window| {
        window.near(&told, key, &viewer);
    });
}

/// Tells the video's window, if it has one, what viewers do with a rendition that some plan of the video has.
fn known(
    inner: &Arc<Inner>,
    video: VideoId,
    rendition: RenditionId,
    tell: impl FnOnce(&Window) + Send + 'static,
) {
    let Some(window) = inner.demands.window(video) else {
        return;
    };
    if window.plan_of(rendition).is_some() {
        return tell(&window);
    }
    // Of another plan than those it was asked by, or of none.
    let reader = inner.clone();
    inner.tasks.spawn(async move {
        match reader.plans.listing(video, rendition).await {
            Ok(Some(plan)) => {
                window.learn(&plan);
                tell(&window);
            }
            Ok(None) => {}
            Err(error) => tracing::debug!(%error, %video, "where a viewer is remains unknown"),
        }
    });
}

/// A player says what it will ask for next.
pub(crate) fn is_next(inner: &Arc<Inner>, key: SegmentKey, viewer: &Viewer) {
    // The one after where the viewer is.
    if let Some(index) = key.index.checked_sub(1) {
        handed_out(inner, SegmentKey { index, ..key }, viewer);
    }
}

/// A playlist was fetched.
pub(crate) fn is_chosen(inner: &Arc<Inner>, key: RenditionKey, viewer: &Viewer) {
    if inner.asks() {
        ask::tell(inner, Wanted::Chosen(key), viewer);
    } else {
        let (told, viewer) = (inner.clone(), viewer.clone());
        known(inner, key.video, key.rendition, move |window| {
            window.switched(&told, key.rendition, &viewer);
        });
    }
}

/// Segments of a video were given back: who waits for them is served by its window.
pub(crate) fn wake(inner: &Arc<Inner>, video: VideoId) {
    let waiting = {
        let state = inner.demands.state.lock();
        let mut waiting = state.waiting.iter().filter(|(key, _)| key.video == video);
        waiting
            .next()
            .map(|(_, waiter)| (waiter.plan.clone(), waiter.asked.viewer.network))
    };
    if let Some((plan, network)) = waiting
        && open_window(inner, &plan, video, network).is_err()
    {
        tracing::debug!(%video, "all windows are taken");
    }
}

/// A video has just begun: the session that began it waits for its viewers.
pub(crate) fn adopt(inner: &Arc<Inner>, plan: &Arc<Plan>, run: EncodingSession) {
    let video = run.video();
    if open_window(inner, plan, video, None).is_ok()
        && let Some(window) = inner.demands.window(video)
    {
        window.adopt(run);
    }
}

/// Wakes the video's window, or opens one if there is room.
fn open_window(
    inner: &Arc<Inner>,
    plan: &Arc<Plan>,
    video: VideoId,
    network: Option<Network>,
) -> Result<(), DemandError> {
    // Dropped after the lock: a session that ends looks for who waits.
    let mut idlest = None;
    let window = {
        let mut guard = inner.demands.state.lock();
        let state = &mut *guard;
        if let Some(window) = state.windows.get(&video) {
            window.learn(plan);
            window.wake();
            return Ok(());
        }
        if state.has_its_windows(network) {
            return Err(DemandError::NotReady);
        }
        if state.windows.len() >= inner.config.windows {
            // One that nobody waits at makes room.
            let waited = |video: &VideoId| state.waiting.keys().any(|key| key.video == *video);
            let idle = state.windows.keys().find(|video| !waited(video)).copied();
            let idle = idle.ok_or(DemandError::NotReady)?;
            idlest = state.windows.remove(&idle);
        }
        let window = Arc::new(Window::new(plan.clone(), video, network));
        state.windows.insert(video, window.clone());
        window
    };
    if let Some(idlest) = idlest {
        idlest.leave();
    }
    inner.demands.tell();
    inner.tasks.spawn(windows::run(inner.clone(), window));
    Ok(())
}

//! A fake engine on a thread: it speaks the protocol, and makes segments that name themselves.

mod actor;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use plan::{Loudness, RenditionId};
use transcoder::Engine;

use self::actor::Actor;

/// Limit of a wait: longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(60);

/// Loudness that fake engines report for every sound.
pub const MEASURED: Loudness = Loudness {
    integrated_millibels: Some(-2300),
    range_millibels: 700,
    true_peak_millibels: Some(-900),
};

/// What happens at a segment instead of its being made.
#[derive(Clone, Copy, Debug)]
pub enum Fault {
    /// The order fails.
    Fails,
    /// The engine's process dies of this signal.
    Dies(i32),
}

/// A fault at a segment, in picture or sound, that happens a number of times.
struct Planted {
    sound: bool,
    segment: u32,
    fault: Fault,
    times: u32,
}

/// The script of fake engines: what they do, and a record of what they did.
pub struct Script {
    /// Duration of a source that is probed now, in seconds.
    seconds: AtomicI64,
    state: Mutex<State>,
    moved: Condvar,
}

#[derive(Default)]
struct State {
    planted: Vec<Planted>,
    poster_fails: bool,
    loudness_fails: bool,
    /// Whether the source's pictures could be passed through.
    coded: bool,
    /// A segment that cannot be copied although the index says so.
    uncopied: Option<u32>,
    /// Segments from this one on are not made until the gate moves.
    gate: Option<u32>,
    /// A segment at which engines are stuck for ever.
    bog: Option<u32>,
    /// Number of engines that wait at the gate or are stuck.
    waiting: u32,
    /// Number of engines that are told to pause.
    held: u32,
    engines: u32,
    made: BTreeMap<(RenditionId, u32), u32>,
    /// The segments in the order in which they were made.
    order: Vec<(RenditionId, u32)>,
    /// The stored segment from which each thumbnail was made; `None` where it was made from the source.
    thumbnails: Vec<Option<(RenditionId, u32)>>,
    fillers_fail: bool,
    /// Version of the libraries of an engine that starts now.
    libraries: u8,
    /// Picture heights, and the size in bytes of a segment in each.
    sizes: BTreeMap<u32, usize>,
}

impl Script {
    pub fn of(seconds: i64) -> Arc<Self> {
        Arc::new(Self {
            seconds: AtomicI64::new(seconds),
            state: Mutex::default(),
            moved: Condvar::new(),
        })
    }

    /// Sets the duration of sources from now on, in seconds.
    pub fn lasts(&self, seconds: i64) {
        self.seconds.store(seconds, Ordering::Relaxed);
    }

    pub fn picture_fault(&self, segment: u32, fault: Fault, times: u32) {
        self.plant(false, segment, fault, times);
    }

    pub fn sound_fault(&self, segment: u32, fault: Fault, times: u32) {
        self.plant(true, segment, fault, times);
    }

    fn plant(&self, sound: bool, segment: u32, fault: Fault, times: u32) {
        self.state.lock().unwrap().planted.push(Planted {
            sound,
            segment,
            fault,
            times,
        });
    }

    pub fn poster_fails(&self) {
        self.state.lock().unwrap().poster_fails = true;
    }

    pub fn loudness_fails(&self) {
        self.state.lock().unwrap().loudness_fails = true;
    }

    /// Lets the source's pictures be passed through, except those of one segment.
    pub fn is_coded(&self, uncopied: Option<u32>) {
        let mut state = self.state.lock().unwrap();
        (state.coded, state.uncopied) = (true, uncopied);
    }

    pub fn fillers_fail(&self, fail: bool) {
        self.state.lock().unwrap().fillers_fail = fail;
    }

    /// Sets the version of the libraries of engines that start from now on.
    pub fn libraries_are(&self, version: u8) {
        self.state.lock().unwrap().libraries = version;
    }

    /// Sets the size in bytes of segments, by picture height.
    pub fn are_sized<const N: usize>(&self, sizes: [(u32, usize); N]) {
        self.state.lock().unwrap().sizes = sizes.into();
    }

    /// Removes all planted faults.
    pub fn heal(&self) {
        let mut state = self.state.lock().unwrap();
        state.planted.clear();
        state.fillers_fail = false;
    }

    /// Has engines wait before this segment and all later ones, or nowhere.
    pub fn gate(&self, segment: Option<u32>) {
        self.state.lock().unwrap().gate = segment;
        self.moved.notify_all();
    }

    /// Has engines get stuck at this segment, for ever.
    pub fn bog(&self, segment: u32) {
        self.state.lock().unwrap().bog = Some(segment);
    }

    /// Waits until this many engines wait at the gate or are stuck.
    pub async fn until_waiting(self: &Arc<Self>, engines: u32) {
        self.until(move |state| state.waiting >= engines).await;
    }

    /// Waits until this many engines are told to pause.
    pub async fn until_held(self: &Arc<Self>, engines: u32) {
        self.until(move |state| state.held >= engines).await;
    }

    async fn until(self: &Arc<Self>, reached: impl Fn(&State) -> bool + Send + 'static) {
        let script = self.clone();
        let wait = move || {
            let state = script.state.lock().unwrap();
            let waited = script
                .moved
                .wait_timeout_while(state, PATIENCE, |state| !reached(state));
            assert!(
                !waited.unwrap().1.timed_out(),
                "the engines do not reach this state"
            );
        };
        tokio::task::spawn_blocking(wait).await.unwrap();
    }

    /// Number of engines that were started.
    pub fn engines(&self) -> u32 {
        self.state.lock().unwrap().engines
    }

    /// How often each segment was made.
    pub fn made(&self) -> BTreeMap<(RenditionId, u32), u32> {
        self.state.lock().unwrap().made.clone()
    }

    /// The stored segment from which each thumbnail was made, in order; `None` where it was made from the source.
    pub fn thumbnails(&self) -> Vec<Option<(RenditionId, u32)>> {
        self.state.lock().unwrap().thumbnails.clone()
    }

    /// Numbers of the segments in the order in which they were made.
    pub fn order(&self) -> Vec<u32> {
        let state = self.state.lock().unwrap();
        state.order.iter().map(|(_, segment)| *segment).collect()
    }

    /// Renditions of the segments in the order in which they were made.
    pub fn order_of_renditions(&self) -> Vec<RenditionId> {
        let state = self.state.lock().unwrap();
        state
            .order
            .iter()
            .map(|(rendition, _)| *rendition)
            .collect()
    }

    pub fn engine(self: &Arc<Self>) -> Engine {
        let script = self.clone();
        Engine::in_process(move |stream| {
            script.state.lock().unwrap().engines += 1;
            Actor::new(script.clone(), stream).play()
        })
    }
}

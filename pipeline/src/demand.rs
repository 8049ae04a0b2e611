//! A player's request for a segment that is not there is the demand that makes it. All
//! requests for a segment wait together; each watched video has a window: a warm session
//! that makes what is asked for, and then what the viewer will ask for next.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use parking_lot::Mutex;
use plan::{Plan, RenditionId, SegmentKey, VideoId};
use store::ObjectKey;
use tokio::sync::{mpsc, watch};

use crate::inner::Inner;
use crate::run::{Run, RunError, Standing};
use crate::{Delivered, DemandError, plans};

/// Demands of one video that may wait for its window: a few viewers, each two renditions.
const WINDOW_QUEUE: usize = 64;
/// Segments that a window makes past the last one asked for.
const AHEAD: u32 = 3;
/// How long a window without demands keeps its session warm.
const IDLE: Duration = Duration::from_secs(15);
/// Tries of one demand before its requests are sent away.
const TRIES: u32 = 3;

type Waiter = watch::Sender<Option<Bytes>>;

/// Demands that wait, and the windows that serve them.
#[derive(Default)]
pub(crate) struct Demands {
    waiters: Mutex<HashMap<SegmentKey, Arc<Waiter>>>,
    windows: Mutex<HashMap<VideoId, mpsc::Sender<SegmentKey>>>,
}

impl Demands {
    /// A segment was stored: whoever waits for it has it.
    pub(crate) fn made(&self, key: &SegmentKey, bytes: &Bytes) {
        if let Some(waiter) = self.waiters.lock().remove(key) {
            waiter.send_replace(Some(bytes.clone()));
        }
    }

    fn waits(&self, key: &SegmentKey) -> bool {
        self.waiters
            .lock()
            .get(key)
            .is_some_and(|waiter| waiter.receiver_count() > 0)
    }
}

/// Counts a request as waiting while it lives.
struct Waiting<'a>(&'a watch::Sender<usize>);

impl<'a> Waiting<'a> {
    fn new(count: &'a watch::Sender<usize>) -> Self {
        count.send_modify(|n| *n += 1);
        Self(count)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.send_modify(|n| *n -= 1);
    }
}

pub(crate) async fn segment(inner: &Arc<Inner>, key: SegmentKey) -> Result<Delivered, DemandError> {
    let object = ObjectKey::Segment(key);
    match inner.stored(&object).await {
        Ok(bytes) => {
            return Ok(Delivered {
                bytes,
                made_in: Duration::ZERO,
            });
        }
        Err(DemandError::NotFound) => {}
        Err(other) => return Err(other),
    }
    let Some(plan) = plans::listing(inner, key.video, key.rendition).await? else {
        return Err(DemandError::NotFound);
    };
    if key.index >= plan.segments() {
        return Err(DemandError::NotFound);
    }
    let began = Instant::now();
    let _waiting = Waiting::new(&inner.waiting);
    let mut receiver = {
        let mut waiters = inner.demands.waiters.lock();
        waiters
            .entry(key)
            .or_insert_with(|| Arc::new(watch::Sender::new(None)))
            .subscribe()
    };
    // Stored between the look and the subscription.
    if let Ok(bytes) = inner.stored(&object).await {
        return Ok(Delivered {
            bytes,
            made_in: began.elapsed(),
        });
    }
    raise(inner, &plan, key)?;
    let arrived = async {
        // The sender goes away only after it sent, or when the demand is given up.
        let arrived = receiver.wait_for(Option::is_some).await;
        arrived.ok().and_then(|bytes| bytes.clone())
    };
    match tokio::time::timeout(inner.config.demand_wait, arrived).await {
        Ok(Some(bytes)) => Ok(Delivered {
            bytes,
            made_in: began.elapsed(),
        }),
        Ok(None) | Err(_) => Err(DemandError::NotReady),
    }
}

/// Hands a demand to the video's window, opening one if there is room.
fn raise(inner: &Arc<Inner>, plan: &Arc<Plan>, key: SegmentKey) -> Result<(), DemandError> {
    let mut windows = inner.demands.windows.lock();
    if let Some(window) = windows.get(&key.video) {
        match window.try_send(key) {
            Ok(()) => return Ok(()),
            Err(mpsc::error::TrySendError::Full(_)) => return Err(DemandError::NotReady),
            Err(mpsc::error::TrySendError::Closed(_)) => {}
        }
    }
    windows.retain(|_, window| !window.is_closed());
    if windows.len() >= inner.config.windows {
        return Err(DemandError::NotReady);
    }
    let (sender, receiver) = mpsc::channel(WINDOW_QUEUE);
    // The queue is new and empty.
    let _ = sender.try_send(key);
    windows.insert(key.video, sender);
    tokio::spawn(window(inner.clone(), plan.clone(), key.video, receiver));
    Ok(())
}

/// Serves the demands of one video until its viewers are gone.
async fn window(
    inner: Arc<Inner>,
    plan: Arc<Plan>,
    video: VideoId,
    mut demands: mpsc::Receiver<SegmentKey>,
) {
    let mut run: Option<Run> = None;
    let mut next: Option<(Vec<RenditionId>, u32, u32)> = None;
    loop {
        let first = match &next {
            // There is something to make ahead, unless somebody asks for something.
            Some(_) => demands.try_recv().ok(),
            None => match tokio::time::timeout(IDLE, demands.recv()).await {
                Ok(Some(key)) => Some(key),
                Ok(None) | Err(_) => return,
            },
        };
        let (renditions, segment, until) = match (first, next.take()) {
            (Some(first), _) => {
                let mut asked = vec![first];
                while let Ok(key) = demands.try_recv() {
                    asked.push(key);
                }
                asked.retain(|key| inner.demands.waits(key));
                let Some(segment) = asked.iter().map(|key| key.index).min() else {
                    continue;
                };
                // The sound and the picture of the same time are one piece of work.
                let (now, later): (Vec<_>, Vec<_>) =
                    asked.into_iter().partition(|k| k.index == segment);
                requeue(&inner, video, later);
                let mut renditions: Vec<_> = now.iter().map(|key| key.rendition).collect();
                renditions.sort_unstable();
                renditions.dedup();
                (renditions, segment, segment + AHEAD)
            }
            (None, Some(ahead)) => ahead,
            (None, None) => continue,
        };
        let made = make(&inner, &plan, video, &mut run, &renditions, segment).await;
        if let Err(error) = made {
            tracing::warn!(%error, %video, segment, "a demand failed");
            for &rendition in &renditions {
                // Its requests are told at once that they wait in vain.
                let key = SegmentKey {
                    video,
                    rendition,
                    index: segment,
                };
                inner.demands.waiters.lock().remove(&key);
            }
            continue;
        }
        let following = segment + 1;
        if following <= until && following < plan.segments() {
            next = Some((renditions, following, until));
        }
    }
}

/// Puts demands back that are not served in this round.
fn requeue(inner: &Inner, video: VideoId, later: Vec<SegmentKey>) {
    if let Some(window) = inner.demands.windows.lock().get(&video) {
        for key in later {
            // A full queue means that newer demands wait already.
            let _ = window.try_send(key);
        }
    }
}

async fn make(
    inner: &Arc<Inner>,
    plan: &Arc<Plan>,
    video: VideoId,
    run: &mut Option<Run>,
    renditions: &[RenditionId],
    segment: u32,
) -> Result<(), RunError> {
    let made = crate::made::known(inner, video).await?;
    let missing: Vec<RenditionId> = renditions
        .iter()
        .copied()
        .filter(|&id| !made.has(id, segment))
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    let mut tries = 0;
    loop {
        tries += 1;
        if run.is_none() {
            let row = inner.living(video).await?.ok_or(store::Error::NotFound)?;
            let opened = Run::open(inner, &row, Standing::Foreground)?;
            opened.plan(plan).await;
            *run = Some(opened);
        }
        let Some(session) = run else { continue };
        match session.segments(missing.clone(), segment, 1).await {
            Ok(()) => return Ok(()),
            Err(error) if tries >= TRIES => {
                *run = None;
                return Err(error);
            }
            Err(error) => {
                tracing::warn!(%error, %video, segment, tries, "a demand is tried again");
                *run = None;
            }
        }
    }
}

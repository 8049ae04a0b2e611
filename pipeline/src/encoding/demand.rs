//! A player's request for a segment that is not there is the demand that makes it. All
//! requests for a segment wait together.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use plan::{Plan, RenditionId, RenditionKey, SegmentKey, VideoId};
use store::ObjectKey;
use store::work::Wanted;
use tokio::sync::broadcast::error::RecvError;

use crate::answers::{Delivered, DemandError};
use crate::cluster::ask;
use crate::encoding::session::EncodingSession;
use crate::encoding::turns::{Network, Viewer};
use crate::encoding::waiting::Request;
use crate::encoding::windows;
use crate::encoding::windows::registry::Opening;
use crate::encoding::windows::window::Window;
use crate::inner::Inner;

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
        inner
            .tasks
            .spawn(ask::segment(inner.remote.clone(), key, heard));
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
    let request = Request::new(&inner.sessions.waiting, &plan, key, viewer, second_try);
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
    if !inner.sessions.claims.is_claimed(key) {
        opened?;
    }
    if let Some(window) = inner.windows.of(key.video) {
        window.near(&*inner.stores.clock, *key, viewer);
    }
    Ok(())
}

/// A segment was served. Nobody waits for what follows yet, so only a window that is there
/// already is told; likewise below.
pub(crate) fn handed_out(inner: &Arc<Inner>, key: SegmentKey, viewer: &Viewer) {
    if inner.asks() {
        ask::tell(&inner.remote, Wanted::Near(key), viewer);
    } else {
        near(inner, key, viewer);
    }
}

/// A viewer is at a segment: the video's window goes on from there.
fn near(inner: &Arc<Inner>, key: SegmentKey, viewer: &Viewer) {
    let (told, viewer) = (inner.clone(), viewer.clone());
    known(inner, key.video, key.rendition, move |window| {
        window.near(&*told.stores.clock, key, &viewer);
    });
}

/// Tells the video's window, if it has one, what viewers do with a rendition that some plan of the video has.
fn known(
    inner: &Arc<Inner>,
    video: VideoId,
    rendition: RenditionId,
    tell: impl FnOnce(&Window) + Send + 'static,
) {
    let Some(window) = inner.windows.of(video) else {
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
        ask::tell(&inner.remote, Wanted::Chosen(key), viewer);
    } else {
        let (told, viewer) = (inner.clone(), viewer.clone());
        known(inner, key.video, key.rendition, move |window| {
            window.switched(&*told.stores.clock, key.rendition, &viewer);
        });
    }
}

/// Serves those who wait for segments that a session gave back, by the windows of their videos; for ever.
pub(crate) async fn serve_after_releases(inner: Arc<Inner>) {
    let waiting = &inner.sessions.waiting;
    let mut released = inner.sessions.claims.released();
    loop {
        let videos = match released.recv().await {
            Ok(video) => HashSet::from([video]),
            Err(RecvError::Lagged(_)) => waiting.videos(),
            Err(RecvError::Closed) => return,
        };
        for video in videos {
            if let Some((plan, network)) = waiting.plan_of(video)
                && open_window(&inner, &plan, video, network).is_err()
            {
                tracing::debug!(%video, "all windows are taken");
            }
        }
    }
}

/// A video has just begun: the session that began it waits for its viewers.
pub(crate) fn adopt(inner: &Arc<Inner>, plan: &Arc<Plan>, run: EncodingSession) {
    let video = run.video();
    if open_window(inner, plan, video, None).is_ok()
        && let Some(window) = inner.windows.of(video)
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
    let new = || Window::new(plan.clone(), video, network);
    let (waiting, most) = (&inner.sessions.waiting, inner.config.windows);
    match inner.windows.open(waiting, (video, network), most, new) {
        Opening::Full => Err(DemandError::NotReady),
        Opening::Known(window) => {
            window.learn(plan);
            window.wake();
            Ok(())
        }
        Opening::New(window, leaving) => {
            if let Some(leaving) = leaving {
                leaving.leave();
            }
            waiting.tell();
            inner.tasks.spawn(windows::run(inner.clone(), window));
            Ok(())
        }
    }
}

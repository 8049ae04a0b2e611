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
use crate::cluster::ask::{self, RemoteWorkers};
use crate::encoding::session::EncodingSession;
use crate::encoding::turns::{Network, Viewer};
use crate::encoding::waiting::Request;
use crate::encoding::windows;
use crate::encoding::windows::registry::{Opening, Windows};
use crate::encoding::windows::window::Window;
use crate::plans::planner::Planner;

/// What answers requests for segments that are not stored: this process, or the workers that it asks.
pub(crate) struct Demand {
    planner: Arc<Planner>,
    windows: Arc<Windows>,
    /// The workers that an origin asks; nothing where this process makes segments itself.
    remote: Option<Arc<RemoteWorkers>>,
}

impl Demand {
    pub(crate) fn new(
        planner: &Arc<Planner>,
        windows: &Arc<Windows>,
        remote: Option<&Arc<RemoteWorkers>>,
    ) -> Self {
        Self {
            planner: planner.clone(),
            windows: windows.clone(),
            remote: remote.cloned(),
        }
    }
}

/// A segment: stored, or made now.
pub(crate) async fn segment(
    demand: &Arc<Demand>,
    key: SegmentKey,
    viewer: Viewer,
) -> Result<Delivered, DemandError> {
    let object = ObjectKey::Segment(key);
    let stored = |bytes| Delivered {
        bytes,
        made_in: Duration::ZERO,
    };
    match demand.planner.records.stored(&object).await {
        Err(DemandError::NotFound) => {}
        Ok(bytes) => {
            near(demand, key, &viewer);
            return Ok(stored(bytes));
        }
        Err(other) => return Err(other),
    }
    let began = demand.planner.records.stores.clock.now();
    let mut request = request(demand, key, &viewer, false).await?;
    // Stored between the look and the request.
    if let Ok(bytes) = demand.planner.records.stored(&object).await {
        request.served = true;
        return Ok(stored(bytes));
    }
    match (&demand.remote, request.first.take()) {
        (None, _) => serve(demand, &request, &viewer)?,
        (Some(remote), Some(heard)) => {
            let asking = ask::segment(remote.clone(), key, heard);
            demand.planner.sessions.tasks.spawn(asking);
        }
        // Another request of this process asks already.
        (Some(_), None) => {}
    }
    let arrived = demand
        .planner
        .records
        .within(demand.planner.config.demand_wait, request.wait())
        .await;
    let bytes = arrived.flatten().ok_or(DemandError::NotReady)?;
    Ok(Delivered {
        bytes,
        made_in: demand.planner.records.stores.clock.now().since(began),
    })
}

/// Waits for a segment that is not stored.
pub(crate) async fn request<'a>(
    demand: &'a Demand,
    key: SegmentKey,
    viewer: &Viewer,
    second_try: bool,
) -> Result<Request<'a>, DemandError> {
    let plan = demand
        .planner
        .plans
        .listing(key.video, key.rendition)
        .await?;
    let plan = plan.ok_or(DemandError::NotFound)?;
    if !plan.has_media(key.rendition) || key.index >= plan.segments() {
        return Err(DemandError::NotFound);
    }
    let rendition = RenditionKey {
        video: key.video,
        rendition: key.rendition,
    };
    if demand.planner.plans.is_given_up(&plan, rendition).await? {
        return Err(DemandError::Gone);
    }
    let request = Request::new(
        &demand.planner.sessions.waiting,
        &plan,
        key,
        viewer,
        second_try,
    );
    request.ok_or(DemandError::NotReady)
}

/// Has its video's window make what is waited for.
pub(crate) fn serve(
    demand: &Arc<Demand>,
    request: &Request<'_>,
    viewer: &Viewer,
) -> Result<(), DemandError> {
    let Request { key, plan, .. } = request;
    let opened = open_window(demand, plan, key.video, viewer.network);
    if !demand.planner.sessions.claims.is_claimed(key) {
        opened?;
    }
    if let Some(window) = demand.windows.of(key.video) {
        window.near(&*demand.planner.records.stores.clock, *key, viewer);
    }
    Ok(())
}

/// A segment was served. Nobody waits for what follows yet, so only a window that is there
/// already is told; likewise below.
pub(crate) fn handed_out(demand: &Arc<Demand>, key: SegmentKey, viewer: &Viewer) {
    if let Some(remote) = &demand.remote {
        ask::tell(remote, Wanted::Near(key), viewer);
    } else {
        near(demand, key, viewer);
    }
}

/// A viewer is at a segment: the video's window goes on from there.
fn near(demand: &Arc<Demand>, key: SegmentKey, viewer: &Viewer) {
    let (told, viewer) = (demand.clone(), viewer.clone());
    known(demand, key.video, key.rendition, move |window| {
        window.near(&*told.planner.records.stores.clock, key, &viewer);
    });
}

/// Tells the video's window, if it has one, what viewers do with a rendition that some plan of the video has.
fn known(
    demand: &Arc<Demand>,
    video: VideoId,
    rendition: RenditionId,
    tell: impl FnOnce(&Window) + Send + 'static,
) {
    let Some(window) = demand.windows.of(video) else {
        return;
    };
    if window.plan_of(rendition).is_some() {
        return tell(&window);
    }
    // Of another plan than those it was asked by, or of none.
    let reader = demand.clone();
    demand.planner.sessions.tasks.spawn(async move {
        match reader.planner.plans.listing(video, rendition).await {
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
pub(crate) fn is_next(demand: &Arc<Demand>, key: SegmentKey, viewer: &Viewer) {
    // The one after where the viewer is.
    if let Some(index) = key.index.checked_sub(1) {
        handed_out(demand, SegmentKey { index, ..key }, viewer);
    }
}

/// A playlist was fetched.
pub(crate) fn is_chosen(demand: &Arc<Demand>, key: RenditionKey, viewer: &Viewer) {
    if let Some(remote) = &demand.remote {
        ask::tell(remote, Wanted::Chosen(key), viewer);
    } else {
        let (told, viewer) = (demand.clone(), viewer.clone());
        known(demand, key.video, key.rendition, move |window| {
            window.switched(&*told.planner.records.stores.clock, key.rendition, &viewer);
        });
    }
}

/// Serves those who wait for segments that a session gave back, by the windows of their videos; for ever.
pub(crate) async fn serve_after_releases(demand: Arc<Demand>) {
    let waiting = &demand.planner.sessions.waiting;
    let mut released = demand.planner.sessions.claims.released();
    loop {
        let videos = match released.recv().await {
            Ok(video) => HashSet::from([video]),
            Err(RecvError::Lagged(_)) => waiting.videos(),
            Err(RecvError::Closed) => return,
        };
        for video in videos {
            if let Some((plan, network)) = waiting.plan_of(video)
                && open_window(&demand, &plan, video, network).is_err()
            {
                tracing::debug!(%video, "all windows are taken");
            }
        }
    }
}

/// A video has just begun: the session that began it waits for its viewers.
pub(crate) fn adopt(demand: &Arc<Demand>, plan: &Arc<Plan>, run: EncodingSession) {
    let video = run.video();
    if open_window(demand, plan, video, None).is_ok()
        && let Some(window) = demand.windows.of(video)
    {
        window.adopt(run);
    }
}

/// Wakes the video's window, or opens one if there is room.
fn open_window(
    demand: &Arc<Demand>,
    plan: &Arc<Plan>,
    video: VideoId,
    network: Option<Network>,
) -> Result<(), DemandError> {
    let new = || Window::new(plan.clone(), video, network);
    let (waiting, most) = (
        &demand.planner.sessions.waiting,
        demand.planner.config.windows,
    );
    match demand.windows.open((video, network), most, new) {
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
            demand
                .planner
                .sessions
                .tasks
                .spawn(windows::run(demand.windows.clone(), window));
            Ok(())
        }
    }
}

//! Demand: a player's request for a segment that is not stored has the segment made. All requests for the same segment
//! wait together.
//!
//! A request comes in with a segment key and a viewer; the segment's bytes go out, or an error that says whether to ask
//! again. What viewers play, without waiting for anything, is passed on to the video's window from here too.

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

/// Answers requests for segments that are not stored: this process makes them, or asks workers to.
pub(crate) struct Demand {
    planner: Arc<Planner>,
    windows: Arc<Windows>,
    /// The workers that an origin asks; `None` where this process makes segments itself.
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

/// Returns a segment's bytes: from the store, or made now. A request waits at most `demand_wait`.
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
            record_position(demand, key, &viewer);
            return Ok(stored(bytes));
        }
        Err(other) => return Err(other),
    }
    let began = demand.planner.records.stores.clock.now();
    let mut request = request(demand, key, &viewer, false).await?;
    // The segment may have been stored between the first look and the request.
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
        // Another request of this process has asked the workers already.
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

/// Registers a request for a segment that is not stored, after checking that the video's plan has the segment.
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

/// Has the video's window make the segment that a request waits for; opens the window if there is none.
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
        window.record_position(&*demand.planner.records.stores.clock, *key, viewer);
    }
    Ok(())
}

/// Notes that a segment was served to a viewer. Nobody waits for the segments that follow yet, so only a window that is
/// already open is told.
pub(crate) fn handed_out(demand: &Arc<Demand>, key: SegmentKey, viewer: &Viewer) {
    if let Some(remote) = &demand.remote {
        ask::tell(remote, Wanted::Near(key), viewer);
    } else {
        record_position(demand, key, viewer);
    }
}

/// Notes that a viewer is at a segment: the video's window continues from there.
fn record_position(demand: &Arc<Demand>, key: SegmentKey, viewer: &Viewer) {
    let (reader, viewer) = (demand.clone(), viewer.clone());
    tell_window(demand, key.video, key.rendition, move |window| {
        window.record_position(&*reader.planner.records.stores.clock, key, &viewer);
    });
}

/// Tells the video's window, if there is one, what a viewer does with a rendition that some plan of the video has.
fn tell_window(
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
    // The window does not know the plan that has this rendition yet, so the plan is looked up.
    let reader = demand.clone();
    demand.planner.sessions.tasks.spawn(async move {
        match reader.planner.plans.listing(video, rendition).await {
            Ok(Some(plan)) => {
                window.learn(&plan);
                tell(&window);
            }
            Ok(None) => {}
            Err(error) => {
                tracing::debug!(%error, %video, "a viewer is not followed: no plan can be read")
            }
        }
    });
}

/// Notes which segment a player will ask for next, as the player itself says (CMCD `nor`).
pub(crate) fn is_next(demand: &Arc<Demand>, key: SegmentKey, viewer: &Viewer) {
    // The viewer is one segment before the next one.
    if let Some(index) = key.index.checked_sub(1) {
        handed_out(demand, SegmentKey { index, ..key }, viewer);
    }
}

/// Notes that a viewer fetched the playlist of a rendition, and so is about to play it.
pub(crate) fn is_chosen(demand: &Arc<Demand>, key: RenditionKey, viewer: &Viewer) {
    if let Some(remote) = &demand.remote {
        ask::tell(remote, Wanted::Chosen(key), viewer);
    } else {
        let (reader, viewer) = (demand.clone(), viewer.clone());
        tell_window(demand, key.video, key.rendition, move |window| {
            window.record_switch(
                &*reader.planner.records.stores.clock,
                key.rendition,
                &viewer,
            );
        });
    }
}

/// Has windows serve the requests whose segments a session claimed and gave back unmade. Runs for ever.
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
                tracing::debug!(%video, "requests wait on: no window is free for a video");
            }
        }
    }
}

/// Keeps the session that started a new video warm in the video's window, for the first viewers.
pub(crate) fn adopt(demand: &Arc<Demand>, plan: &Arc<Plan>, session: EncodingSession) {
    let video = session.video();
    if open_window(demand, plan, video, None).is_ok()
        && let Some(window) = demand.windows.of(video)
    {
        window.adopt(session);
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
            waiting.notify_change();
            demand
                .planner
                .sessions
                .tasks
                .spawn(windows::run(demand.windows.clone(), window));
            Ok(())
        }
    }
}

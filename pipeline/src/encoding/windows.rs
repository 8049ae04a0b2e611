//! Watch windows: a warm session for each video that is watched. A window makes what the viewers of its video ask for,
//! and then what their players will ask for next, while viewers are near.
//!
//! `registry` holds the windows of the process, `window` is the state of one, and `ahead` knows where viewers are and
//! what they need next. Begin with [`run`].

mod ahead;
pub(crate) mod registry;
pub(crate) mod window;

use std::sync::Arc;
use std::time::Duration;

use plan::{RenditionKey, SegmentKey, VideoId};
use store::ObjectKey;
use tokio_util::sync::CancellationToken;

use self::registry::Windows;
use self::window::Window;
use crate::encoding::session::{EncodingSession, SessionError, Standing};
use crate::encoding::tries;
use crate::encoding::turns::Asked;
use crate::encoding::waiting::NextDemand;
use crate::plans::new_encoder;

/// Engines that may end without an error message, or fail to start, before the waiting requests are told that nothing
/// comes.
const TRIES: u32 = 3;

/// Serves the viewers of a window's video until they are gone and the window is closed.
pub(crate) async fn run(windows: Arc<Windows>, window: Arc<Window>) {
    let mut session = None;
    loop {
        if let Some(next) = windows.planner.sessions.waiting.next_demand(window.video) {
            serve(&windows, &window, &mut session, next).await;
            continue;
        }
        if window.is_leaving() {
            return;
        }
        session = session.or_else(|| window.idle.lock().take());
        let mut memory = windows.planner.sessions.memory.changes();
        if session
            .as_mut()
            .is_some_and(EncodingSession::agree_to_end_while_idle)
        {
            session = None;
        }
        if session.is_some()
            && let Some(next) = choose_ahead(&windows, &window).await
        {
            let requested = until_unclaimed_request(&windows, &window);
            match make(
                &windows,
                &window,
                &mut session,
                &next,
                Standing::Ahead,
                requested,
            )
            .await
            {
                Ok(_) => continue,
                // The background makes this segment later, and counts the failure.
                Err(error) => {
                    tracing::debug!(%error, video = %window.video, "a segment was not made ahead");
                    session = None;
                }
            }
        }
        let is_warm = session.is_some();
        *window.idle.lock() = session.take();
        let patience = if is_warm {
            windows.planner.config.window_idle
        } else {
            Duration::ZERO
        };
        let news = async {
            tokio::select! {
                () = window.woken.notified() => {}
                // An error is impossible: the pipeline owns the sender.
                _ = memory.changed(), if is_warm => {}
            }
        };
        let woken = windows.planner.records.within(patience, news).await;
        if woken.is_none() {
            let cold = window.idle.lock().take();
            drop(cold);
            if windows.close(&window) {
                return;
            }
            // Another session has claimed the waited-for segments, and this window is woken if that session gives them
            // back.
            let patience = windows.planner.config.window_idle;
            windows
                .planner
                .records
                .within(patience, window.woken.notified())
                .await;
        }
    }
}

/// Waits until a segment is waited for that no session has claimed.
async fn until_unclaimed_request(windows: &Windows, window: &Window) {
    while windows
        .planner
        .sessions
        .waiting
        .next_demand(window.video)
        .is_none()
    {
        window.woken.notified().await;
    }
}

/// Chooses the segments that a viewer will ask for next and that are neither stored nor claimed.
async fn choose_ahead(windows: &Windows, window: &Window) -> Option<NextDemand> {
    let inventory = windows.planner.inventory.known(window.video).await.ok()?;
    let now = windows.planner.records.stores.clock.now();
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
            && !windows.planner.plans.declined.has(declined)
            && !inventory.has(rendition, index)
            && !windows.planner.sessions.claims.is_claimed(&key)
    };
    let (mut renditions, segment) = window.playheads.lock().next(now, wanted)?;
    let plan = window.plan_of(*renditions.first()?)?;
    // Renditions that only another plan has are made in a later round.
    renditions.retain(|&rendition| plan.has_media(rendition));
    Some(NextDemand {
        asked: Asked::default(),
        plan,
        renditions,
        segment,
    })
}

/// Makes waited-for segments in a turn, or tells the waiting requests that the segments cannot be made now.
async fn serve(
    windows: &Arc<Windows>,
    window: &Arc<Window>,
    session: &mut Option<EncodingSession>,
    next: NextDemand,
) {
    // Requests take turns: if more were made at once, each of them would only be ready later.
    let turn = windows
        .planner
        .sessions
        .turns
        .ask(&next.asked, window.video);
    let turn = windows
        .planner
        .records
        .within(windows.planner.config.demand_wait, turn);
    let turn = tokio::select! {
        turn = turn => turn,
        () = until_deserted(windows, window, &next) => return,
    };
    let Some(Ok(_turn)) = turn else {
        tracing::debug!(video = %window.video, next.segment, "the turn of a request did not come in time");
        return give_up(windows, window, &next).await;
    };
    // Segments of the same point in time that are waited for by now are part of this turn: pictures and their sound
    // belong together.
    let mut at = None;
    while let Some(next) = windows.planner.sessions.waiting.next_demand(window.video)
        && *at.get_or_insert(next.segment) == next.segment
    {
        let next = window.add_sound(next);
        let deserted = until_deserted(windows, window, &next);
        let standing = Standing::Foreground;
        match make(windows, window, session, &next, standing, deserted).await {
            Ok(Extent::Whole) => {}
            Ok(Extent::Part) => return,
            Err(error) => {
                tracing::warn!(%error, video = %window.video, next.segment, "requested segments could not be made");
                *session = None;
            }
        }
        give_up(windows, window, &next).await;
    }
}

/// Tells all requests that wait for these segments that the segments were not made.
async fn give_up(windows: &Windows, window: &Window, next: &NextDemand) {
    for key in next.keys(window.video) {
        if windows.planner.sessions.waiting.is_waited_for(&key)
            && !windows.planner.sessions.claims.is_claimed(&key)
        {
            // The segment may be stored all the same. If it is not, the inventory is wrong, and is read again.
            match windows
                .planner
                .records
                .stored(&ObjectKey::Segment(key))
                .await
            {
                Ok(bytes) => windows.planner.sessions.waiting.deliver(&key, &bytes),
                Err(_) => {
                    windows.planner.inventory.forget(window.video);
                    windows.planner.sessions.waiting.give_up(&key);
                }
            }
        }
    }
}

/// Waits until no request waits for these segments, and some request waits for another place in the video.
async fn until_deserted(windows: &Windows, window: &Window, next: &NextDemand) {
    let (demands, video) = (&windows.planner.sessions.waiting, window.video);
    let mut changes = demands.changes();
    while next.keys(video).any(|key| demands.is_waited_for(&key))
        || !demands.waits_elsewhere(video, next.segment)
    {
        // An error is impossible: the pipeline owns the sender.
        let _ = changes.changed().await;
    }
}

/// How much of the ordered segments was made.
enum Extent {
    Whole,
    /// The segments that were whole when the order was ended.
    Part,
}

/// Makes these segments. When `until` ends first, the segments that are whole by then are stored and the session is
/// free.
async fn make(
    windows: &Arc<Windows>,
    window: &Window,
    session: &mut Option<EncodingSession>,
    next: &NextDemand,
    standing: Standing,
    until: impl Future<Output = ()>,
) -> Result<Extent, SessionError> {
    let stop = CancellationToken::new();
    let making = make_all(windows, window, session, next, standing, &stop);
    tokio::pin!(making);
    tokio::select! {
        biased;
        made = &mut making => return made.map(|()| Extent::Whole),
        () = until => stop.cancel(),
    }
    making.await.map(|()| Extent::Part)
}

/// Makes all of the segments; tries again where an engine dies, and tries suspects alone where it fails.
async fn make_all(
    windows: &Arc<Windows>,
    window: &Window,
    session: &mut Option<EncodingSession>,
    next: &NextDemand,
    standing: Standing,
    stop: &CancellationToken,
) -> Result<(), SessionError> {
    let mut tries = 0;
    loop {
        tries += 1;
        let ready = ready_session(windows, window, session, next);
        let Some(ready) = stop.run_until_cancelled(ready).await else {
            return Ok(());
        };
        let opened = ready?;
        opened.set_standing(standing);
        opened.stop_next_order_on(stop.clone());
        let made = opened
            .make_segments(&next.renditions, next.segment, 1)
            .await;
        let Err(error) = made else { return Ok(()) };
        *session = None;
        match error {
            error if error.is_unreachable() => return Err(error),
            SessionError::Fault(failure) if standing == Standing::Foreground => {
                tracing::warn!(%failure, video = %window.video, next.segment, "the engine failed at requested segments");
                let work = tries::Work {
                    renditions: &next.renditions,
                    first: next.segment,
                    count: 1,
                };
                let row = windows.planner.records.living(window.video).await?;
                let row = row.ok_or(store::Error::NotFound)?;
                return tries::try_suspects(&windows.planner, &row, &next.plan, work, standing)
                    .await;
            }
            SessionError::Foreign(rendition) => {
                let row = windows.planner.records.living(window.video).await?;
                let row = row.ok_or(store::Error::NotFound)?;
                new_encoder::decline(&windows.planner, &row, rendition, standing).await?;
                return Err(error);
            }
            SessionError::Unexplained | SessionError::Start(_) if tries < TRIES => {
                tracing::warn!(%error, video = %window.video, next.segment, tries, "the engine is gone; it is tried again");
            }
            error => return Err(error),
        }
    }
}

/// Returns the window's session with enough memory for these segments; opens one if none is open or the open one cannot
/// grow.
async fn ready_session<'a>(
    windows: &Arc<Windows>,
    window: &Window,
    session: &'a mut Option<EncodingSession>,
    next: &NextDemand,
) -> Result<&'a mut EncodingSession, SessionError> {
    let bytes = windows
        .planner
        .sessions
        .memory_for(&next.plan, &next.renditions);
    let warm = session.take().or_else(|| window.idle.lock().take());
    // A session whose share is too small gives it back before a larger share is taken.
    let fits = match warm {
        Some(warm) => warm.with_memory(bytes).await,
        None => None,
    };
    let mut opened = match fits {
        Some(fitting) => fitting,
        None => {
            let share = windows.planner.sessions.memory.take(bytes);
            let share = windows
                .planner
                .records
                .within(windows.planner.config.demand_wait, share)
                .await;
            let share = share.ok_or(SessionError::Busy)?;
            let row = windows.planner.records.living(window.video).await?;
            let row = row.ok_or(store::Error::NotFound)?;
            EncodingSession::open(&windows.planner.sessions, &row, Standing::Foreground, share)?
        }
    };
    opened.set_plan(&next.plan).await;
    Ok(session.insert(opened))
}

/// Takes the warm session out of a window that no viewer is near, such as the session that started the video.
pub(crate) fn take_warm_session(windows: &Windows, video: VideoId) -> Option<EncodingSession> {
    windows
        .of(video)?
        .take_idle_session(&*windows.planner.records.stores.clock)
}

//! A watch window: a warm session that makes what the viewers of one video ask for, and then
//! what they will ask for next, for as long as they are near.

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
use crate::encoding::waiting::Pick;
use crate::plans::new_encoder;

/// Engines that may go away without a word, or cannot be started, before requests are told.
const TRIES: u32 = 3;

/// Serves a video's viewers until they are gone.
pub(crate) async fn run(windows: Arc<Windows>, window: Arc<Window>) {
    let mut session = None;
    loop {
        if let Some(pick) = windows.planner.sessions.waiting.pick(window.video) {
            serve(&windows, &window, &mut session, pick).await;
            continue;
        }
        if window.leaves() {
            return;
        }
        session = session.or_else(|| window.idle.lock().take());
        let mut memory = windows.planner.sessions.memory.changes();
        if session.as_mut().is_some_and(EncodingSession::is_to_leave) {
            session = None;
        }
        if session.is_some()
            && let Some(pick) = ahead(&windows, &window).await
        {
            let asked = asked(&windows, &window);
            match make(
                &windows,
                &window,
                &mut session,
                &pick,
                Standing::Ahead,
                asked,
            )
            .await
            {
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
            windows.planner.config.window_idle
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
        let woken = windows.planner.records.within(patience, news).await;
        if woken.is_none() {
            let cold = window.idle.lock().take();
            drop(cold);
            if windows.close(&window) {
                return;
            }
            // What is waited for is in somebody's hands, who says so when it is not any more.
            let patience = windows.planner.config.window_idle;
            windows
                .planner
                .records
                .within(patience, window.woken.notified())
                .await;
        }
    }
}

/// Ends when something is waited for that nobody is at.
async fn asked(windows: &Windows, window: &Window) {
    while windows
        .planner
        .sessions
        .waiting
        .pick(window.video)
        .is_none()
    {
        window.woken.notified().await;
    }
}

/// What a viewer will ask for next and nobody is at.
async fn ahead(windows: &Windows, window: &Window) -> Option<Pick> {
    let made = windows.planner.inventory.known(window.video).await.ok()?;
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
            && !made.has(rendition, index)
            && !windows.planner.sessions.claims.is_claimed(&key)
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
    windows: &Arc<Windows>,
    window: &Arc<Window>,
    session: &mut Option<EncodingSession>,
    pick: Pick,
) {
    // By turns: more at once would only be later, each of them.
    let turn = windows
        .planner
        .sessions
        .turns
        .ask(&pick.asked, window.video);
    let turn = windows
        .planner
        .records
        .within(windows.planner.config.demand_wait, turn);
    let turn = tokio::select! {
        turn = turn => turn,
        () = deserted(windows, window, &pick) => return,
    };
    let Some(Ok(_turn)) = turn else {
        tracing::debug!(video = %window.video, pick.segment, "its turn did not come");
        return give_up(windows, window, &pick).await;
    };
    // What came to be waited for meanwhile: the picture of a time and its sound are one turn.
    let mut at = None;
    while let Some(pick) = windows.planner.sessions.waiting.pick(window.video)
        && *at.get_or_insert(pick.segment) == pick.segment
    {
        let pick = window.with_sound(pick);
        let deserted = deserted(windows, window, &pick);
        let standing = Standing::Foreground;
        match make(windows, window, session, &pick, standing, deserted).await {
            Ok(Extent::Whole) => {}
            Ok(Extent::Part) => return,
            Err(error) => {
                tracing::warn!(%error, video = %window.video, pick.segment, "a demand failed");
                *session = None;
            }
        }
        give_up(windows, window, &pick).await;
    }
}

/// Tells who waits for any of a pick that it was not made.
async fn give_up(windows: &Windows, window: &Window, pick: &Pick) {
    for key in pick.keys(window.video) {
        if windows.planner.sessions.waiting.is_waited_for(&key)
            && !windows.planner.sessions.claims.is_claimed(&key)
        {
            // Stored all the same, or what is known of the store is wrong.
            match windows
                .planner
                .records
                .stored(&ObjectKey::Segment(key))
                .await
            {
                Ok(bytes) => windows.planner.sessions.waiting.made(&key, &bytes),
                Err(_) => {
                    windows.planner.inventory.forget(window.video);
                    windows.planner.sessions.waiting.give_up(&key);
                }
            }
        }
    }
}

/// Ends when nobody waits for the pick any more, but for something elsewhere in the video.
async fn deserted(windows: &Windows, window: &Window, pick: &Pick) {
    let (demands, video) = (&windows.planner.sessions.waiting, window.video);
    let mut changes = demands.changes();
    while pick.keys(video).any(|key| demands.is_waited_for(&key))
        || !demands.waits_elsewhere(video, pick.segment)
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
    windows: &Arc<Windows>,
    window: &Window,
    session: &mut Option<EncodingSession>,
    pick: &Pick,
    standing: Standing,
    until: impl Future<Output = ()>,
) -> Result<Extent, SessionError> {
    let stop = CancellationToken::new();
    let making = make_all(windows, window, session, pick, standing, &stop);
    tokio::pin!(making);
    tokio::select! {
        biased;
        made = &mut making => return made.map(|()| Extent::Whole),
        () = until => stop.cancel(),
    }
    making.await.map(|()| Extent::Part)
}

async fn make_all(
    windows: &Arc<Windows>,
    window: &Window,
    session: &mut Option<EncodingSession>,
    pick: &Pick,
    standing: Standing,
    stop: &CancellationToken,
) -> Result<(), SessionError> {
    let mut tries = 0;
    loop {
        tries += 1;
        let ready = ready(windows, window, session, pick);
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
                let row = windows.planner.records.living(window.video).await?;
                let row = row.ok_or(store::Error::NotFound)?;
                return tries::isolate(&windows.planner, &row, &pick.plan, work, standing).await;
            }
            SessionError::Foreign(rendition) => {
                let row = windows.planner.records.living(window.video).await?;
                let row = row.ok_or(store::Error::NotFound)?;
                new_encoder::decline(&windows.planner, &row, rendition, standing).await?;
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
    windows: &Arc<Windows>,
    window: &Window,
    session: &'a mut Option<EncodingSession>,
    pick: &Pick,
) -> Result<&'a mut EncodingSession, SessionError> {
    let bytes = windows
        .planner
        .sessions
        .memory_for(&pick.plan, &pick.renditions);
    let warm = session.take().or_else(|| window.idle.lock().take());
    // What has too small a share gives it back before it asks for a larger one.
    let fits = match warm {
        Some(run) => run.grown(bytes).await,
        None => None,
    };
    let mut run = match fits {
        Some(run) => run,
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
    run.plan(&pick.plan).await;
    Ok(session.insert(run))
}

/// The session of a window at which nobody is: the one that started this video, if it is warm.
pub(crate) fn warm(windows: &Windows, video: VideoId) -> Option<EncodingSession> {
    windows
        .of(video)?
        .lend(&*windows.planner.records.stores.clock)
}

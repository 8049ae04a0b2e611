//! The start of a video's life: probed, planned, playable, its first segments.

use std::sync::Arc;

use plan::{Code, Plan, RenditionId, WorkKind};
use store::metadata::{PageRequest, PlanRef, Source, State, VideoError, VideoRow};
use transcoder::EngineFailure;

use crate::inner::Inner;
use crate::plans;
use crate::run::{Run, RunError, Standing};

/// Tries of a probe before the video fails.
const PROBE_TRIES: u32 = 3;
/// Segments made in the session that probed: a second each, in the start rungs.
const FIRST_SEGMENTS: u32 = 2;
/// Rows read at once.
const PAGE: u32 = 100;

/// After a start: videos that were caught in the middle go on.
pub(crate) async fn recover(inner: &Arc<Inner>) -> Result<(), store::Error> {
    let mut page = PageRequest::first(PAGE);
    loop {
        let rows = inner
            .stores
            .metadata
            .videos()
            .list_unfinished(&page)
            .await?;
        for row in rows.items {
            match (row.source, row.state) {
                (Source::Receiving, _) => {
                    // This upload's connection died with the process that served it.
                    for upload in inner
                        .stores
                        .metadata
                        .uploads()
                        .list_by_video(&row.id)
                        .await?
                    {
                        crate::upload::lose(inner, row.id, upload.id).await?;
                    }
                }
                (Source::Complete, State::Waiting | State::Probing) => begin(inner, row),
                _ => {}
            }
        }
        match rows.next {
            Some(cursor) => page = PageRequest::after(cursor, PAGE),
            None => return Ok(()),
        }
    }
}

/// Starts a video whose source is complete.
pub(crate) fn begin(inner: &Arc<Inner>, row: VideoRow) {
    let inner = inner.clone();
    tokio::spawn(async move {
        // The semaphore is never closed.
        let Ok(_permit) = inner.starts.acquire().await else {
            return;
        };
        let video = row.id;
        for attempt in 1..=PROBE_TRIES {
            match start(&inner, &row).await {
                Ok(()) => return,
                Err(RunError::Store(error)) => {
                    tracing::warn!(%error, %video, "a video's start could not be stored");
                    if fail_for_store(&inner, video, &error).await {
                        return;
                    }
                }
                Err(RunError::Fault { failure, .. })
                    if is_final(failure.code) || attempt == PROBE_TRIES =>
                {
                    fail(&inner, video, failure).await;
                    return;
                }
                Err(error) => {
                    tracing::warn!(%error, %video, attempt, "a video's start failed");
                    if attempt == PROBE_TRIES {
                        let message = error.to_string();
                        fail(
                            &inner,
                            video,
                            EngineFailure {
                                code: Code::Internal,
                                message,
                            },
                        )
                        .await;
                    }
                }
            }
        }
    });
}

/// Codes that another try does not change.
fn is_final(code: Code) -> bool {
    !matches!(
        code,
        Code::EngineCrashed
            | Code::EngineTimeout
            | Code::EngineMemory
            | Code::Internal
            | Code::SourceUnreachable
    )
}

async fn fail_for_store(inner: &Arc<Inner>, video: plan::VideoId, error: &store::Error) -> bool {
    match error {
        store::Error::NotFound => true, // deleted meanwhile
        store::Error::NoSpace => {
            let message = "No space is left where media is stored.".to_owned();
            fail(
                inner,
                video,
                EngineFailure {
                    code: Code::NoSpace,
                    message,
                },
            )
            .await;
            true
        }
        _ => false,
    }
}

/// Ends a video's life with its reason.
pub(crate) async fn fail(inner: &Arc<Inner>, video: plan::VideoId, failure: EngineFailure) {
    let failed = inner
        .change(video, |row| {
            let open = matches!(row.state, State::Waiting | State::Probing | State::Playable);
            if open {
                row.state = State::Failed;
                row.error = Some(VideoError {
                    code: failure.code,
                    message: failure.message.clone(),
                });
            }
            open
        })
        .await;
    if let Err(error) = failed {
        tracing::error!(%error, %video, "a failure could not be noted");
    }
}

async fn start(inner: &Arc<Inner>, row: &VideoRow) -> Result<(), RunError> {
    let probing = |row: &mut VideoRow| {
        let waits = row.state == State::Waiting;
        if waits {
            row.state = State::Probing;
        }
        waits
    };
    let row = inner.change(row.id, probing).await?;
    if row.state != State::Probing {
        return Ok(());
    }
    let mut run = Run::open(inner, &row, Standing::Foreground)?;
    let info = run.probe().await?;
    let plan = plan::plan(&info, &inner.config.policy).map_err(|rejection| RunError::Fault {
        failure: EngineFailure {
            code: rejection.code,
            message: rejection.message,
        },
        segment: None,
    })?;
    let plan = Arc::new(plan);
    run.plan(&plan).await;
    run.inits().await?;
    become_playable(inner, &row, &plan).await?;
    // What comes next is done by the background too, if this session does not live to do it.
    run.set_standing(Standing::Background);
    let first = first_renditions(&plan);
    if let Err(error) = run
        .segments(first, 0, plan.segments().min(FIRST_SEGMENTS))
        .await
    {
        tracing::warn!(%error, video = %row.id, "the first segments were not made at once");
    }
    inner.work.notify_one();
    Ok(())
}

fn first_renditions(plan: &Plan) -> Vec<RenditionId> {
    plan.renditions_of(WorkKind::Start)
}

async fn become_playable(inner: &Inner, row: &VideoRow, plan: &Arc<Plan>) -> Result<(), RunError> {
    let hash = plans::save(inner, row.id, plan).await?;
    let now = inner.stores.clock.now_us();
    let size = plan.video.first().map(|v| v.size());
    inner
        .change(row.id, |row| {
            if row.state != State::Probing {
                return false;
            }
            row.state = State::Playable;
            row.playable_at_us = Some(now);
            row.plans = vec![PlanRef {
                hash: hash.clone(),
                current_since_us: now,
                retired_at_us: None,
            }];
            row.current_plan = Some(hash.clone());
            row.warnings = plan.info.warnings.clone();
            row.duration_us = Some(plan.timeline.duration_us());
            row.width_px = size.map(|s| s.width);
            row.height_px = size.map(|s| s.height);
            true
        })
        .await?;
    Ok(())
}

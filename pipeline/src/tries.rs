//! A piece of work failed: count the try, and put a filler where three did not help.

use std::sync::Arc;

use plan::{Code, Plan, RenditionId, SegmentKey, Warning};
use store::metadata::VideoRow;
use transcoder::EngineFailure;

use crate::background::Piece;
use crate::inner::Inner;
use crate::made;
use crate::run::{Run, RunError, Standing};

/// Counted tries after which a filler is stored.
const TRIES: u32 = 3;

/// Decides what follows from a failure.
pub(crate) async fn after(
    inner: &Arc<Inner>,
    row: &VideoRow,
    plan: &Plan,
    piece: &Piece,
    error: RunError,
) -> Result<(), RunError> {
    tracing::warn!(%error, video = %row.id, ?piece, "a piece of work failed");
    let (failure, segment) = match (error, piece) {
        // Nobody's fault that can be named: it is simply offered again.
        (RunError::Unexplained { .. }, _) => return Ok(()),
        (RunError::Fault { failure, segment }, Piece::Segments { first, .. }) => {
            (failure, segment.unwrap_or(*first))
        }
        (RunError::Fault { failure, .. }, _) => {
            crate::life::fail(inner, row.id, failure).await;
            return Ok(());
        }
        (RunError::Store(store::Error::NotFound), _) => return Ok(()),
        (other, _) => return Err(other),
    };
    let Piece::Segments { renditions, .. } = piece else {
        return Ok(());
    };
    let made = made::known(inner, row.id).await?;
    let tries = inner.stores.metadata.tries();
    let mut spent = Vec::new();
    for &rendition in renditions.iter().filter(|&&id| !made.has(id, segment)) {
        let key = SegmentKey {
            video: row.id,
            rendition,
            index: segment,
        };
        if tries.record_try(&key).await?.counted >= TRIES {
            spent.push(rendition);
        }
    }
    if spent.is_empty() {
        return Ok(());
    }
    fill(inner, row, plan, &spent, segment, failure).await
}

async fn fill(
    inner: &Arc<Inner>,
    row: &VideoRow,
    plan: &Plan,
    renditions: &[RenditionId],
    segment: u32,
    failure: EngineFailure,
) -> Result<(), RunError> {
    let mut run = Run::open(inner, row, Standing::Background)?;
    run.plan(plan).await;
    for &rendition in renditions {
        if let Err(error) = run.filler(rendition, segment).await {
            tracing::error!(%error, video = %row.id, segment, "not even a filler can be made");
            crate::life::fail(inner, row.id, failure).await;
            return Ok(());
        }
        let key = SegmentKey {
            video: row.id,
            rendition,
            index: segment,
        };
        inner.stores.metadata.tries().record_filler(&key).await?;
    }
    let (start, end) = plan.timeline.segment_frames(segment);
    let warning = Warning {
        code: match failure.code {
            Code::Internal => Code::Corrupt,
            code => code,
        },
        message: "A part of the video cannot be decoded; the last good picture is held.".to_owned(),
        span_us: Some((plan.timeline.frame_us(start), plan.timeline.frame_us(end))),
    };
    inner
        .change(row.id, |row| {
            let new = !row.warnings.contains(&warning);
            if new {
                row.warnings.push(warning.clone());
            }
            new
        })
        .await?;
    Ok(())
}

//! The text of a video: its cues are extracted once, and a new plan lists them.

use std::sync::Arc;

use bytes::Bytes;
use plan::{Code, CueList, Plan, RenditionKey, VideoId, Warning};
use store::ObjectKey;
use store::metadata::{PlanRef, State, VideoRow};

use crate::inner::Inner;
use crate::plans;
use crate::run::{Run, RunError};

/// Faults at it before the video goes without.
const TRIES: u32 = 3;

/// Extracts it.
pub(crate) async fn needed(inner: &Inner, run: &mut Run, plan: &Plan) -> Result<(), RunError> {
    let lists = run.texts().await?;
    Ok(adopt(inner, run.video(), plan, &lists, None).await?)
}

/// The engine failed at it by its own doing.
pub(crate) async fn failed(inner: &Inner, video: VideoId, plan: &Plan) -> Result<(), store::Error> {
    let faults = {
        let mut faults = inner.text_faults.lock();
        let faults = faults.entry(video).or_default();
        *faults += 1;
        *faults
    };
    if faults < TRIES {
        return Ok(());
    }
    let warning = Warning {
        code: Code::Internal,
        message: "The text tracks could not be read.".to_owned(),
        span_us: None,
    };
    adopt(inner, video, plan, &[], Some(warning)).await
}

/// Stores the cues; the plan that lists them becomes the current one.
async fn adopt(
    inner: &Inner,
    video: VideoId,
    plan: &Plan,
    lists: &[CueList],
    warning: Option<Warning>,
) -> Result<(), store::Error> {
    for (track, list) in lists.iter().enumerate() {
        let rendition = list.rendition(track as u32);
        let key = ObjectKey::Cues(RenditionKey { video, rendition });
        let json = serde_json::to_vec(list).map_err(|e| store::Error::corrupt(e.to_string()))?;
        inner
            .stores
            .objects
            .put_if_absent(&key, Bytes::from(json))
            .await?;
    }
    inner.text_faults.lock().remove(&video);
    let hash = plans::save(inner, video, &Arc::new(plan.with_text(lists))).await?;
    let before = plans::hash(plan)?;
    let now = inner.stores.clock.now_us();
    let listed = |row: &mut VideoRow| {
        if row.state == State::Deleted || row.current_plan.as_ref() != Some(&before) {
            return false;
        }
        for known in row.plans.iter_mut().filter(|known| known.hash == before) {
            known.retired_at_us = Some(now);
        }
        row.plans.push(PlanRef {
            hash: hash.clone(),
            current_since_us: now,
            retired_at_us: None,
        });
        row.current_plan = Some(hash.clone());
        row.warnings.extend(warning.clone());
        true
    };
    inner.change(video, listed).await.map(drop)
}

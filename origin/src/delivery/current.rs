//! A video's current plan, from which its manifests are written.

use std::sync::Arc;
use std::time::Duration;

use plan::{Plan, VideoId};
use store::Received;
use store::metadata::{Source, State, VideoRow};

use super::respond::DeliveryError;
use crate::app::App;
use crate::viewer::Asker;

/// As long as a request for a segment waits: players give up after 10 s.
const PATIENCE: Duration = Duration::from_secs(9);

/// The row and its plan. Where the source is there but not yet looked at, that is a matter of a
/// second, and the request waits for it: players do not retry a 404.
pub async fn current(
    app: &App,
    video: &str,
    asker: &Asker,
) -> Result<(VideoRow, Arc<Plan>), DeliveryError> {
    let id: VideoId = video.parse().map_err(|_| DeliveryError::NotFound)?;
    if let Some(found) = look(app, id).await? {
        return Ok(found);
    }
    let Some(_seat) = app.waiting.take(asker.viewer.network) else {
        return Err(DeliveryError::NotReady);
    };
    let mut events = app.pipeline.stores().events.subscribe().await?;
    let waiting = async {
        loop {
            if let Some(found) = look(app, id).await? {
                return Ok(found);
            }
            loop {
                match events.next().await {
                    Received::Event(event) if event.video() != id => {}
                    Received::Closed => return Err(DeliveryError::NotReady),
                    Received::Event(_) | Received::Lagged => break,
                }
            }
        }
    };
    let found = tokio::time::timeout(PATIENCE, waiting).await;
    found.unwrap_or(Err(DeliveryError::NotReady))
}

async fn look(app: &App, id: VideoId) -> Result<Option<(VideoRow, Arc<Plan>)>, DeliveryError> {
    let row = app.pipeline.video(id).await?;
    let row = row.ok_or(DeliveryError::NotFound)?;
    if let Some(plan) = app.pipeline.plan_of(&row).await? {
        app.pipeline.is_watched(&row, &plan);
        return Ok(Some((row, plan)));
    }
    match (row.source, row.state) {
        (Source::Receiving, State::Waiting | State::Probing) => Err(DeliveryError::NotReady),
        (_, State::Waiting | State::Probing) => Ok(None),
        _ => Err(DeliveryError::NotFound),
    }
}

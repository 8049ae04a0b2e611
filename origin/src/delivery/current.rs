//! Current plan of a video, from which its manifests are written.

use std::sync::Arc;
use std::time::Duration;

use plan::{Plan, VideoId};
use store::Received;
use store::metadata::{Source, State, VideoRow};

use super::respond::DeliveryError;
use crate::app::App;
use crate::viewer::RequestViewer;

/// Time that a request for a manifest waits for the plan, as long as one for a segment: players give up after 10 s.
const WAIT: Duration = Duration::from_secs(9);

/// Returns a video's row and its current plan. If the source is complete but not probed yet, the request waits: probing
/// takes about a second, and players do not retry a `404`.
///
/// # Errors
/// `NotFound` if there is no such video or it failed; `NotReady` if the plan does not exist in time, if the upload is
/// not complete, or if too many requests wait.
pub async fn current(
    app: &App,
    video: &str,
    asker: &RequestViewer,
) -> Result<(VideoRow, Arc<Plan>), DeliveryError> {
    let id: VideoId = video.parse().map_err(|_| DeliveryError::NotFound)?;
    if let Some(found) = find(app, id).await? {
        return Ok(found);
    }
    let Some(_seat) = app.waiting_seats.take(asker.viewer.network) else {
        return Err(DeliveryError::NotReady);
    };
    let mut events = app.stores.events.subscribe().await?;
    let waiting = async {
        loop {
            if let Some(found) = find(app, id).await? {
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
    let found = tokio::time::timeout(WAIT, waiting).await;
    found.unwrap_or(Err(DeliveryError::NotReady))
}

/// Finds a video's row and its current plan; `None` if the plan does not exist yet but soon will.
async fn find(app: &App, id: VideoId) -> Result<Option<(VideoRow, Arc<Plan>)>, DeliveryError> {
    let row = app.pipeline.videos().get(id).await?;
    let row = row.ok_or(DeliveryError::NotFound)?;
    if let Some(plan) = app.pipeline.videos().plan_of(&row).await? {
        app.pipeline.playback().note_watched(&row, &plan);
        return Ok(Some((row, plan)));
    }
    match (row.source, row.state) {
        (Source::Receiving, State::Waiting | State::Probing) => Err(DeliveryError::NotReady),
        (_, State::Waiting | State::Probing) => Ok(None),
        _ => Err(DeliveryError::NotFound),
    }
}

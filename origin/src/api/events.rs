//! `GET /events?video=`: what happens to one video, as server-sent events. Public, like
//! playback: a watch page waits here for `playable`.

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::{Query, State};
use axum::response::sse::{Event as Line, KeepAlive, Sse};
use futures::Stream;
use plan::VideoId;
use serde::Deserialize;
use serde_json::json;
use store::{Event, Received};

use crate::app::App;
use crate::problem::Problem;

/// Proxies close what is silent for a minute.
const KEEP_ALIVE: Duration = Duration::from_secs(20);

#[derive(Deserialize)]
pub struct EventsQuery {
    video: String,
}

/// The first event says how things are; each further one that something changed.
pub async fn events(
    State(app): State<App>,
    Query(query): Query<EventsQuery>,
) -> Result<Sse<impl Stream<Item = Result<Line, Infallible>>>, Problem> {
    let video: VideoId = query.video.parse().map_err(|_| Problem::not_found())?;
    let subscription = app.pipeline.stores().events.subscribe().await?;
    app.pipeline
        .video(video)
        .await?
        .ok_or_else(Problem::not_found)?;
    let first = Some(());
    let stream = futures::stream::unfold((app, subscription, first), move |state| async move {
        let (app, mut subscription, first) = state;
        if first.is_none() {
            loop {
                match subscription.next().await {
                    Received::Event(event) if concerns(&event, video) => break,
                    Received::Event(_) => {}
                    Received::Lagged => break,
                    Received::Closed => return None,
                }
            }
        }
        let line = status(&app, video).await?;
        Some((Ok(line), (app, subscription, None)))
    });
    Ok(Sse::new(stream).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)))
}

fn concerns(event: &Event, video: VideoId) -> bool {
    event.video() == video
}

/// How a video stands; nothing where it was deleted, which ends the stream.
async fn status(app: &App, video: VideoId) -> Option<Line> {
    let row = app.pipeline.video(video).await.ok()??;
    let progress = app.pipeline.progress(&row).await.unwrap_or_default();
    let status = json!({
        "state": row.state.as_str(),
        "source": row.source.as_str(),
        "made": progress.made,
        "total": progress.total,
        "error": row.error.map(|error| error.message),
    });
    Some(Line::default().data(status.to_string()))
}

//! Event stream of one video, as server-sent events. It is public, like playback: the watch page waits here until the
//! video is playable, and shows the progress of encoding.

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::State;
use axum::response::sse::{Event as Line, KeepAlive, Sse};
use futures::{Stream, StreamExt};
use manifests::language;
use plan::{TextRendition, VideoId};
use serde::{Deserialize, Serialize};
use store::metadata::State as VideoState;
use store::{Event, Received, Subscription};
use tokio::time::Instant;

use super::params::Params;
use crate::app::App;
use crate::problem::Problem;
use crate::viewer::RequestViewer;

/// Interval of comments on a silent stream: proxies close connections that are silent for a minute.
const KEEP_ALIVE: Duration = Duration::from_secs(20);
/// Shortest interval between two events that only report progress; a change of state is sent at once.
const PROGRESS: Duration = Duration::from_millis(500);

#[derive(Deserialize)]
pub struct EventsParams {
    video: String,
}

/// Event of the stream: the state and the progress of the video.
#[derive(Serialize)]
struct Status {
    state: &'static str,
    source: &'static str,
    made: u64,
    total: u64,
    /// Part of a source without an index that the probe has read, in per cent, while the source is probed.
    scanned: Option<u8>,
    error: Option<String>,
    /// Whether the video has a storyboard; known once there is a plan.
    storyboard: bool,
    /// Whether the video has chapters; known once there is a plan.
    chapters: bool,
    /// Whether the video is sound alone, without a picture and without a cover.
    sound: bool,
    /// Whether the video has a poster, or will have one.
    poster: bool,
    /// Subtitles of the video, once they are known.
    texts: Vec<Text>,
}

/// Subtitles in one language.
#[derive(Serialize)]
struct Text {
    /// Id of the text rendition.
    id: String,
    language: Option<String>,
    name: String,
}

impl Text {
    fn of(text: &TextRendition) -> Self {
        let declared = text.language.as_deref();
        Self {
            id: text.id.to_string(),
            language: declared.and_then(language::tag),
            name: language::label(&text.label, declared),
        }
    }
}

/// `GET /events?video={id}`: an event stream. The first event has the present state of the video; another one follows
/// whenever something changes. The stream ends when the video is deleted. `404` if there is no such video, `503` if too
/// many streams are open.
pub async fn events(
    State(app): State<App>,
    Params(params): Params<EventsParams>,
    asker: RequestViewer,
) -> Result<Sse<impl Stream<Item = Result<Line, Infallible>>>, Problem> {
    let video: VideoId = params.video.parse().map_err(|_| Problem::not_found())?;
    let seat = app.event_stream_seats.take(asker.viewer.network);
    let seat = seat.ok_or_else(Problem::busy)?;
    // The subscription begins before the row is read, so that no change between the two is missed.
    let subscription = app.stores.events.subscribe().await?;
    let row = app.pipeline.videos().get(video).await?;
    row.ok_or_else(Problem::not_found)?;
    let stop = app.stop.clone();
    let listener = Listener {
        app,
        video,
        subscription,
        scanned: None,
        sent: None,
    };
    let lines = futures::stream::unfold((listener, seat), |(mut listener, seat)| async {
        let line = listener.next().await?;
        Some((Ok(line), (listener, seat)))
    });
    let lines = lines.take_until(stop.cancelled_owned());
    Ok(Sse::new(lines).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)))
}

/// Open event stream of one client.
struct Listener {
    app: App,
    video: VideoId,
    subscription: Box<dyn Subscription>,
    /// Part of the source that the probe has read, in per cent.
    scanned: Option<u8>,
    /// Time at which the last event was sent.
    sent: Option<Instant>,
}

impl Listener {
    /// Waits for the next event and returns its line; `None`, which ends the stream, if the video is gone.
    async fn next(&mut self) -> Option<Line> {
        if let Some(sent) = self.sent {
            self.wait_for_change(sent + PROGRESS).await?;
        }
        self.sent = Some(Instant::now());
        let row = self.app.pipeline.videos().get(self.video).await.ok()??;
        let progress = self
            .app
            .pipeline
            .videos()
            .progress(&row)
            .await
            .unwrap_or_default();
        let plan = self
            .app
            .pipeline
            .videos()
            .plan_of(&row)
            .await
            .ok()
            .flatten();
        let status = Status {
            state: row.state.as_str(),
            source: row.source.as_str(),
            made: progress.made,
            total: progress.total,
            scanned: self.scanned.filter(|_| row.state == VideoState::Probing),
            storyboard: plan.as_ref().is_some_and(|p| p.storyboard.is_some()),
            chapters: plan.as_ref().is_some_and(|p| !p.info.chapters.is_empty()),
            sound: plan.as_ref().is_some_and(|p| !p.has_poster()),
            poster: plan.as_ref().is_some_and(|p| p.has_poster()),
            texts: plan.iter().flat_map(|p| p.texts().map(Text::of)).collect(),
            error: row.error.map(|error| error.message),
        };
        Line::default().json_data(status).ok()
    }

    /// Waits until the video changes. A change of state returns at once; progress returns at `due`. `None` if the
    /// stores were closed.
    async fn wait_for_change(&mut self, due: Instant) -> Option<()> {
        let mut progress = false;
        loop {
            let received = tokio::select! {
                received = self.subscription.next() => received,
                () = tokio::time::sleep_until(due), if progress => return Some(()),
            };
            match received {
                Received::Event(event) if event.video() != self.video => {}
                Received::Event(Event::SourceScanned { percent, .. }) => {
                    self.scanned = Some(percent);
                    progress = true;
                }
                Received::Event(Event::SegmentStored { .. } | Event::UploadProgress { .. }) => {
                    progress = true;
                }
                Received::Event(_) | Received::Lagged => return Some(()),
                Received::Closed => return None,
            }
        }
    }
}

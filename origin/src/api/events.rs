//! `GET /events?video=`: what happens to one video, as server-sent events. Public, like
//! playback: a watch page waits here for `playable`.

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
use crate::viewer::Asker;

/// Proxies close what is silent for a minute.
const KEEP_ALIVE: Duration = Duration::from_secs(20);
/// Progress is told so often at most; a change of state at once.
const PROGRESS: Duration = Duration::from_millis(500);

#[derive(Deserialize)]
pub struct EventsParams {
    video: String,
}

/// How a video stands.
#[derive(Serialize)]
struct Status {
    state: &'static str,
    source: &'static str,
    made: u64,
    total: u64,
    /// How much of a source without an index the probe has read, in per cent, while it does.
    scanned: Option<u8>,
    error: Option<String>,
    /// Whether it has a storyboard; known with the plan.
    storyboard: bool,
    /// Whether it has chapters.
    chapters: bool,
    /// Whether there is nothing to see of it: no picture and no cover.
    sound: bool,
    /// Whether it has a poster, or will have one.
    poster: bool,
    /// Its text, once that is known.
    texts: Vec<Text>,
}

/// Text in one language.
#[derive(Serialize)]
struct Text {
    /// The rendition that says it.
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

/// The first event says how things are; each further one that something changed.
pub async fn events(
    State(app): State<App>,
    Params(params): Params<EventsParams>,
    asker: Asker,
) -> Result<Sse<impl Stream<Item = Result<Line, Infallible>>>, Problem> {
    let video: VideoId = params.video.parse().map_err(|_| Problem::not_found())?;
    let seat = app.listeners.take(asker.viewer.network);
    let seat = seat.ok_or_else(Problem::busy)?;
    // Before the look: what happens between the two is not missed.
    let subscription = app.pipeline.stores().events.subscribe().await?;
    let row = app.pipeline.video(video).await?;
    row.ok_or_else(Problem::not_found)?;
    let stop = app.stop.clone();
    let listener = Listener {
        app,
        video,
        subscription,
        scanned: None,
        told: None,
    };
    let lines = futures::stream::unfold((listener, seat), |(mut listener, seat)| async {
        let line = listener.next().await?;
        Some((Ok(line), (listener, seat)))
    });
    let lines = lines.take_until(stop.cancelled_owned());
    Ok(Sse::new(lines).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)))
}

struct Listener {
    app: App,
    video: VideoId,
    subscription: Box<dyn Subscription>,
    /// In per cent.
    scanned: Option<u8>,
    /// When the last line went out.
    told: Option<Instant>,
}

impl Listener {
    /// The next line; nothing where the video is gone, which ends the stream.
    async fn next(&mut self) -> Option<Line> {
        if let Some(told) = self.told {
            self.something_new(told + PROGRESS).await?;
        }
        self.told = Some(Instant::now());
        let row = self.app.pipeline.video(self.video).await.ok()??;
        let progress = self.app.pipeline.progress(&row).await.unwrap_or_default();
        let plan = self.app.pipeline.plan_of(&row).await.ok().flatten();
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

    /// Waits for a change of state; or for progress, told not before `due`.
    async fn something_new(&mut self, due: Instant) -> Option<()> {
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

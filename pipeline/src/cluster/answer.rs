//! Answers of a worker to origins: the worker says at once whether it has time, and then makes what it accepted.

use std::sync::Arc;
use std::time::Duration;

use plan::rendition::RenditionName;
use plan::{SegmentKey, VideoId};
use store::ObjectKey;
use store::work::{Answer, Asked, Urgency, Wanted};
use tokio::sync::Semaphore;

use crate::encoding::demand::Demand;
use crate::encoding::stills::StillMaker;
use crate::encoding::turns::Viewer;
use crate::encoding::windows::registry::Windows;
use crate::encoding::{demand, stills};
use crate::plans::planner::Planner;
use crate::videos::start;
use crate::videos::start::Starts;

/// Requests that a worker handles at once: each looks for what is stored, or waits for what is being made.
const ANSWERS: usize = 256;
/// Pause after listening for requests failed.
const PAUSE: Duration = Duration::from_secs(1);

/// Everything that a worker answers requests with.
pub(crate) struct Answerer {
    pub(crate) planner: Arc<Planner>,
    pub(crate) windows: Arc<Windows>,
    pub(crate) demand: Arc<Demand>,
    pub(crate) stills: Arc<StillMaker>,
    pub(crate) starts: Arc<Starts>,
}

/// Answers requests until the worker drains.
pub(crate) async fn run(answerer: Arc<Answerer>) {
    let places = Arc::new(Semaphore::new(ANSWERS));
    while !answerer.planner.sessions.tasks.is_draining() {
        if let Err(error) = listen(&answerer, &places).await {
            tracing::warn!(%error, "requests of origins cannot be listened to; it is tried again after a pause");
            answerer.planner.records.stores.clock.sleep(PAUSE).await;
        }
    }
}

/// Takes requests one after another until the worker drains.
async fn listen(answerer: &Arc<Answerer>, places: &Arc<Semaphore>) -> Result<(), store::Error> {
    let mut listener = answerer.planner.records.stores.work.listen().await?;
    let mut changes = answerer.planner.sessions.waiting.changes();
    let mut attended: Vec<VideoId> = Vec::new();
    loop {
        let warm = answerer.windows.warm_videos();
        if warm != attended {
            listener.attend(&warm).await?;
            attended = warm;
        }
        let asked = tokio::select! {
            asked = listener.next() => asked?,
            // An error is impossible: the pipeline owns the sender.
            _ = changes.changed() => continue,
            () = answerer.planner.sessions.tasks.until_draining() => return Ok(()),
        };
        // A request beyond the limit is dropped, which tells the origin that this worker is busy.
        if let Ok(place) = places.clone().try_acquire_owned() {
            let tasks = &answerer.planner.sessions.tasks;
            let answerer = answerer.clone();
            tasks.spawn_in_hand(async move {
                answer(&answerer, asked).await;
                drop(place);
            });
        }
    }
}

/// Answers one request.
async fn answer(answerer: &Arc<Answerer>, asked: Asked) {
    let demand = asked.demand().clone();
    let viewer = Viewer::from(&demand.viewer);
    match demand.wanted {
        Wanted::Near(key) => demand::handed_out(&answerer.demand, key, &viewer),
        Wanted::Chosen(key) => demand::is_chosen(&answerer.demand, key, &viewer),
        Wanted::Start(video) => {
            if start::has_time(&answerer.starts) {
                start::begin(&answerer.starts, video);
                asked.answer(Answer::Accepted);
            }
        }
        Wanted::Object(ObjectKey::Segment(key)) => {
            if key.rendition.name() == RenditionName::Storyboard {
                if stills::sheet(&answerer.stills, key, &viewer).await.is_ok() {
                    asked.answer(Answer::Stored);
                }
            } else {
                let second_try = demand.urgency == Urgency::SecondTry;
                segment(answerer, asked, key, viewer, second_try).await;
            }
        }
        Wanted::Object(ObjectKey::Thumbnail {
            video,
            width,
            second,
        }) => {
            let size = (width, second);
            if stills::thumbnail(&answerer.stills, video, size, &viewer)
                .await
                .is_ok()
            {
                asked.answer(Answer::Stored);
            }
        }
        Wanted::Object(other) => tracing::debug!(
            ?other,
            "an object that is never made on demand was requested"
        ),
    }
}

/// Accepts a segment if there is time for it, and waits for it as long as the origin does: a segment that nobody waits
/// for gives way to others.
async fn segment(
    answerer: &Arc<Answerer>,
    asked: Asked,
    key: SegmentKey,
    viewer: Viewer,
    second_try: bool,
) {
    match answerer.planner.inventory.known(key.video).await {
        Ok(inventory) if inventory.has(key.rendition, key.index) => {
            demand::handed_out(&answerer.demand, key, &viewer);
            return asked.answer(Answer::Stored);
        }
        Ok(_) => {}
        Err(error) => return tracing::warn!(%error, "the segments of a video cannot be listed"),
    }
    let patience = asked.demand().patience;
    let taken = demand::request(&answerer.demand, key, &viewer, second_try).await;
    let taken = taken.and_then(|request| {
        demand::serve(&answerer.demand, &request, &viewer)?;
        Ok(request)
    });
    match taken {
        Ok(mut request) => {
            asked.answer(Answer::Accepted);
            answerer
                .planner
                .records
                .within(patience, request.wait())
                .await;
        }
        Err(error) => {
            tracing::debug!(%error, video = %key.video, "a request of an origin is refused")
        }
    }
}

//! A worker answers what origins ask: it says at once whether it has time, and then makes it.

use std::sync::Arc;
use std::time::Duration;

use plan::rendition::RenditionName;
use plan::{SegmentKey, VideoId};
use store::ObjectKey;
use store::work::{Answer, Asked, Urgency, Wanted};
use tokio::sync::Semaphore;

use crate::encoding::turns::Viewer;
use crate::encoding::{demand, stills};
use crate::inner::Inner;
use crate::videos::start;

/// Demands in hand: each has looked for what is stored, or waits for what is being made.
const ANSWERS: usize = 256;
/// A pause after listening failed.
const PAUSE: Duration = Duration::from_secs(1);

/// Answers until nothing new is taken.
pub(crate) async fn run(inner: Arc<Inner>) {
    let places = Arc::new(Semaphore::new(ANSWERS));
    while !inner.tasks.is_draining() {
        if let Err(error) = listen(&inner, &places).await {
            tracing::warn!(%error, "demands cannot be heard");
            inner.stores.clock.sleep(PAUSE).await;
        }
    }
}

async fn listen(inner: &Arc<Inner>, places: &Arc<Semaphore>) -> Result<(), store::Error> {
    let mut listener = inner.stores.work.listen().await?;
    let mut changes = inner.sessions.waiting.changes();
    let mut attended: Vec<VideoId> = Vec::new();
    loop {
        let warm = inner.windows.warm_videos();
        if warm != attended {
            listener.attend(&warm).await?;
            attended = warm;
        }
        let asked = tokio::select! {
            asked = listener.next() => asked?,
            // The sender lives as long as the pipeline.
            _ = changes.changed() => continue,
            () = inner.tasks.until_draining() => return Ok(()),
        };
        // Over the bound it is dropped, which says that we are busy.
        if let Ok(place) = places.clone().try_acquire_owned() {
            let answerer = inner.clone();
            inner.tasks.spawn_in_hand(async move {
                answer(&answerer, asked).await;
                drop(place);
            });
        }
    }
}

async fn answer(inner: &Arc<Inner>, asked: Asked) {
    let demand = asked.demand().clone();
    let viewer = Viewer::from(&demand.viewer);
    match demand.wanted {
        Wanted::Near(key) => demand::handed_out(inner, key, &viewer),
        Wanted::Chosen(key) => demand::is_chosen(inner, key, &viewer),
        Wanted::Start(video) => {
            if start::has_time(inner) {
                start::begin(inner, video);
                asked.answer(Answer::Accepted);
            }
        }
        Wanted::Object(ObjectKey::Segment(key)) => {
            if key.rendition.name() == RenditionName::Storyboard {
                if stills::sheet(inner, key, &viewer).await.is_ok() {
                    asked.answer(Answer::Stored);
                }
            } else {
                let second_try = demand.urgency == Urgency::SecondTry;
                segment(inner, asked, key, viewer, second_try).await;
            }
        }
        Wanted::Object(ObjectKey::Thumbnail {
            video,
            width,
            second,
        }) => {
            let size = (width, second);
            if stills::thumbnail(inner, video, size, &viewer).await.is_ok() {
                asked.answer(Answer::Stored);
            }
        }
        Wanted::Object(other) => tracing::debug!(?other, "nobody makes such a thing on demand"),
    }
}

/// Takes a segment on, if there is time for it, and waits for it as long as who asked does:
/// what nobody waits for gives way.
async fn segment(
    inner: &Arc<Inner>,
    asked: Asked,
    key: SegmentKey,
    viewer: Viewer,
    second_try: bool,
) {
    match inner.inventory.known(key.video).await {
        Ok(made) if made.has(key.rendition, key.index) => {
            demand::handed_out(inner, key, &viewer);
            return asked.answer(Answer::Stored);
        }
        Ok(_) => {}
        Err(error) => return tracing::warn!(%error, "what is stored cannot be listed"),
    }
    let patience = asked.demand().patience;
    let taken = demand::request(inner, key, &viewer, second_try).await;
    let taken = taken.and_then(|request| {
        demand::serve(inner, &request, &viewer)?;
        Ok(request)
    });
    match taken {
        Ok(mut request) => {
            asked.answer(Answer::Accepted);
            inner.records.within(patience, request.wait()).await;
        }
        Err(error) => tracing::debug!(%error, video = %key.video, "a demand is refused"),
    }
}

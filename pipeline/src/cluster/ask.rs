//! Requests of an origin to workers: the origin asks for what its viewers wait for.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use plan::{SegmentKey, VideoId};
use store::work::{Answer, Demand, Urgency, Wanted};
use store::{Moment, ObjectKey};
use tokio::sync::Notify;

use crate::encoding::sessions::Sessions;
use crate::encoding::turns::{Asked, Viewer};
use crate::records::Records;
use crate::tasks::Tasks;

/// Time after which a worker that has accepted a request is asked again, since it may have died. The worker that is
/// warm for the video gives the same answer again.
const TRUST: Duration = Duration::from_secs(2);
/// Shortest time after which busy workers are asked again; the longest is twice that.
const AGAIN: Duration = Duration::from_millis(100);
/// How long workers are asked to start a video before that is left to the reconciler.
const START: Duration = Duration::from_secs(20);
/// How long a video counts as watched after a request for it.
const WATCHED: Duration = Duration::from_secs(60);
/// Videos that are remembered as watched.
const REMEMBERED: usize = 1024;

/// Videos that were requested lately: a worker may have a warm session for them.
#[derive(Default)]
struct Watched {
    videos: Mutex<HashMap<VideoId, Moment>>,
    /// Time at which there was last no worker to ask.
    nobody: Mutex<Option<Moment>>,
}

impl Watched {
    /// Whether a viewer was lately sent away because there is no worker.
    fn lacks_workers(&self, now: Moment) -> bool {
        let nobody = *self.nobody.lock();
        nobody.is_some_and(|at| now.since(at) < WATCHED)
    }

    fn record(&self, video: VideoId, now: Moment) {
        let mut watched = self.videos.lock();
        if watched.len() >= REMEMBERED {
            watched.retain(|_, at| now.since(*at) < WATCHED);
        }
        if watched.len() < REMEMBERED {
            watched.insert(video, now);
        }
    }

    fn has(&self, video: VideoId, now: Moment) -> bool {
        let watched = self.videos.lock();
        watched
            .get(&video)
            .is_some_and(|at| now.since(*at) < WATCHED)
    }
}

/// The workers of a cluster, as a process sees them that asks for what its viewers wait for.
pub(crate) struct RemoteWorkers {
    records: Arc<Records>,
    tasks: Arc<Tasks>,
    sessions: Arc<Sessions>,
    /// How long a request waits at most.
    patience: Duration,
    watched: Watched,
}

impl RemoteWorkers {
    pub(crate) fn new(sessions: &Arc<Sessions>) -> Self {
        Self {
            records: sessions.records.clone(),
            tasks: sessions.tasks.clone(),
            sessions: sessions.clone(),
            patience: sessions.config.demand_wait,
            watched: Watched::default(),
        }
    }

    /// Whether a viewer was lately sent away because there is no worker.
    pub(crate) fn lacks_workers(&self) -> bool {
        self.watched.lacks_workers(self.records.stores.clock.now())
    }
}

/// Asks workers once. An error counts as busy, so that they are asked again.
async fn ask(remote: &RemoteWorkers, wanted: Wanted, asked: &Asked) -> Answer {
    let now = remote.records.stores.clock.now();
    let viewer = Viewer {
        deadline: Some(asked.deadline.since(now)),
        ..asked.viewer.clone()
    };
    let demand = Demand {
        wanted,
        patience: asked.until.since(now),
        urgency: if asked.second_try {
            Urgency::SecondTry
        } else {
            Urgency::Waiting
        },
        viewer: (&viewer).into(),
    };
    let answer = remote.records.stores.work.ask(demand).await;
    let answer = answer.unwrap_or_else(|error| {
        tracing::debug!(%error, "workers cannot be asked; they count as busy");
        Answer::Busy
    });
    if answer == Answer::Nobody {
        *remote.watched.nobody.lock() = Some(remote.records.stores.clock.now());
    }
    answer
}

/// A request that waits this long, on behalf of no viewer in particular.
fn request_of_nobody(remote: &RemoteWorkers, patience: Duration) -> Asked {
    let until = remote.records.stores.clock.now() + patience;
    Asked {
        deadline: until,
        until,
        ..Asked::default()
    }
}

/// Random pause before busy workers are asked again.
fn short_pause(remote: &RemoteWorkers) -> Duration {
    AGAIN + remote.records.stores.jitter.up_to(AGAIN)
}

/// Asks for a segment until it is stored or no request waits for it any more. Whether it is stored is learned from an
/// event, from the answer, or by reading the store.
pub(crate) async fn segment(remote: Arc<RemoteWorkers>, key: SegmentKey, heard: Arc<Notify>) {
    let object = ObjectKey::Segment(key);
    let mut changes = remote.sessions.waiting.changes();
    while let Some(asked) = remote.sessions.waiting.still_asked(&key, &heard) {
        let pause = match ask(&remote, Wanted::Object(object.clone()), &asked).await {
            Answer::Accepted => TRUST,
            Answer::Stored => Duration::ZERO,
            Answer::Busy => short_pause(&remote),
            Answer::Nobody => {
                tracing::warn!(video = %key.video, "there is no worker to make a segment that viewers wait for");
                return remote.sessions.waiting.give_up(&key);
            }
        };
        remote
            .watched
            .record(key.video, remote.records.stores.clock.now());
        let deserted = async {
            while remote.sessions.waiting.still_asked(&key, &heard).is_some() {
                // An error is impossible: the pipeline owns the sender.
                let _ = changes.changed().await;
            }
        };
        tokio::select! {
            () = heard.notified() => {}
            () = remote.records.stores.clock.sleep(pause) => {}
            () = deserted => return,
        }
        match remote.records.stored(&object).await {
            Ok(bytes) => return remote.sessions.waiting.deliver(&key, &bytes),
            // The segment was said to be stored but is not there: ask again, but not at once.
            Err(_) if pause.is_zero() => {
                remote
                    .records
                    .stores
                    .clock
                    .sleep(short_pause(&remote))
                    .await
            }
            Err(_) => {}
        }
    }
}

/// Asks for a still until a worker has stored or accepted it.
pub(crate) async fn still(remote: &RemoteWorkers, object: &ObjectKey, viewer: &Viewer) {
    let asked = Asked {
        viewer: viewer.clone(),
        ..request_of_nobody(remote, remote.patience)
    };
    loop {
        match ask(remote, Wanted::Object(object.clone()), &asked).await {
            Answer::Accepted | Answer::Stored | Answer::Nobody => return,
            Answer::Busy => remote.records.stores.clock.sleep(short_pause(remote)).await,
        }
    }
}

/// Asks workers to start a video; if none does, the reconciler starts it.
pub(crate) async fn start(remote: Arc<RemoteWorkers>, video: VideoId) {
    let asked = request_of_nobody(&remote, START);
    while remote.records.stores.clock.now() < asked.until {
        match ask(&remote, Wanted::Start(video), &asked).await {
            Answer::Accepted | Answer::Stored => {
                return remote
                    .watched
                    .record(video, remote.records.stores.clock.now());
            }
            Answer::Busy | Answer::Nobody => {
                remote
                    .records
                    .stores
                    .clock
                    .sleep(short_pause(&remote))
                    .await
            }
        }
    }
}

/// Tells the worker that is warm for a video where its viewers are.
pub(crate) fn tell(remote: &Arc<RemoteWorkers>, wanted: Wanted, viewer: &Viewer) {
    let is_watched = |video| remote.watched.has(video, remote.records.stores.clock.now());
    if !wanted.video().is_some_and(is_watched) {
        return;
    }
    let demand = Demand {
        wanted,
        patience: remote.patience,
        urgency: Urgency::Hint,
        viewer: viewer.into(),
    };
    let teller = remote.clone();
    remote.tasks.spawn(async move {
        if let Err(error) = teller.records.stores.work.tell(demand).await {
            tracing::debug!(%error, "a worker could not be told where the viewers of a video are");
        }
    });
}

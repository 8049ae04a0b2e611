//! An origin asks workers for what its viewers wait for.

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

/// How long a worker that has taken something on is trusted before it is asked again: it may
/// have died since. The one that is warm for the video says the same again.
const TRUST: Duration = Duration::from_secs(2);
/// How soon those who are busy are asked again; twice that at most.
const AGAIN: Duration = Duration::from_millis(100);
/// How long workers are asked to start a video, before that is left to the reconciler.
const START: Duration = Duration::from_secs(20);
/// How long a video of which something was asked for counts as watched.
const WATCHED: Duration = Duration::from_secs(60);
/// Videos of which that is remembered.
const REMEMBERED: usize = 1024;

/// Videos that somebody was lately asked for something of: a session may be warm for them.
#[derive(Default)]
struct Watched {
    videos: Mutex<HashMap<VideoId, Moment>>,
    /// When there was no worker to ask.
    nobody: Mutex<Option<Moment>>,
}

impl Watched {
    /// Whether somebody was lately sent away because there is no worker.
    fn lacked_workers(&self, now: Moment) -> bool {
        let nobody = *self.nobody.lock();
        nobody.is_some_and(|at| now.since(at) < WATCHED)
    }

    fn note(&self, video: VideoId, now: Moment) {
        let mut watched = self.videos.lock();
        if watched.len() >= REMEMBERED {
            watched.retain(|_, at| now.since(*at) < WATCHED);
        }
        if watched.len() < REMEMBERED {
            watched.insert(video, now);
        }
    }

    fn is(&self, video: VideoId, now: Moment) -> bool {
        let watched = self.videos.lock();
        watched
            .get(&video)
            .is_some_and(|at| now.since(*at) < WATCHED)
    }
}

/// The workers of a cluster, as a process asks them for what viewers wait for.
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

    /// Whether somebody was lately sent away because there is no worker.
    pub(crate) fn are_lacking(&self) -> bool {
        self.watched.lacked_workers(self.records.stores.clock.now())
    }
}

/// Asks; what cannot be asked is asked again like what is busy.
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
        tracing::debug!(%error, "workers cannot be asked");
        Answer::Busy
    });
    if answer == Answer::Nobody {
        *remote.watched.nobody.lock() = Some(remote.records.stores.clock.now());
    }
    answer
}

/// Asked for nobody in particular.
fn anybody(remote: &RemoteWorkers, patience: Duration) -> Asked {
    let until = remote.records.stores.clock.now() + patience;
    Asked {
        deadline: until,
        until,
        ..Asked::default()
    }
}

fn soon(remote: &RemoteWorkers) -> Duration {
    AGAIN + remote.records.stores.jitter.up_to(AGAIN)
}

/// Asks for a segment until it is there, or nobody waits for it any more: it is there once that
/// is heard, or seen, whichever is first.
pub(crate) async fn segment(remote: Arc<RemoteWorkers>, key: SegmentKey, heard: Arc<Notify>) {
    let object = ObjectKey::Segment(key);
    let mut changes = remote.sessions.waiting.changes();
    while let Some(asked) = remote.sessions.waiting.still_asked(&key, &heard) {
        let pause = match ask(&remote, Wanted::Object(object.clone()), &asked).await {
            Answer::Accepted => TRUST,
            Answer::Stored => Duration::ZERO,
            Answer::Busy => soon(&remote),
            Answer::Nobody => {
                tracing::warn!(video = %key.video, "there is no worker");
                return remote.sessions.waiting.give_up(&key);
            }
        };
        remote
            .watched
            .note(key.video, remote.records.stores.clock.now());
        let deserted = async {
            while remote.sessions.waiting.still_asked(&key, &heard).is_some() {
                // The sender lives as long as the pipeline.
                let _ = changes.changed().await;
            }
        };
        tokio::select! {
            () = heard.notified() => {}
            () = remote.records.stores.clock.sleep(pause) => {}
            () = deserted => return,
        }
        match remote.records.stored(&object).await {
            Ok(bytes) => return remote.sessions.waiting.made(&key, &bytes),
            // What was said to be there was not: once more, not at once.
            Err(_) if pause.is_zero() => remote.records.stores.clock.sleep(soon(&remote)).await,
            Err(_) => {}
        }
    }
}

/// Asks for a still, which the answer says is stored.
pub(crate) async fn still(remote: &RemoteWorkers, object: &ObjectKey, viewer: &Viewer) {
    let asked = Asked {
        viewer: viewer.clone(),
        ..anybody(remote, remote.patience)
    };
    loop {
        match ask(remote, Wanted::Object(object.clone()), &asked).await {
            Answer::Accepted | Answer::Stored | Answer::Nobody => return,
            Answer::Busy => remote.records.stores.clock.sleep(soon(remote)).await,
        }
    }
}

/// Asks for a video to be started; where nobody does, it is left to the reconciler.
pub(crate) async fn start(remote: Arc<RemoteWorkers>, video: VideoId) {
    let asked = anybody(&remote, START);
    while remote.records.stores.clock.now() < asked.until {
        match ask(&remote, Wanted::Start(video), &asked).await {
            Answer::Accepted | Answer::Stored => {
                return remote
                    .watched
                    .note(video, remote.records.stores.clock.now());
            }
            Answer::Busy | Answer::Nobody => remote.records.stores.clock.sleep(soon(&remote)).await,
        }
    }
}

/// Tells the worker that is warm for a video of its viewers.
pub(crate) fn tell(remote: &Arc<RemoteWorkers>, wanted: Wanted, viewer: &Viewer) {
    let is_watched = |video| remote.watched.is(video, remote.records.stores.clock.now());
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
            tracing::debug!(%error, "a worker cannot be told of its viewers");
        }
    });
}

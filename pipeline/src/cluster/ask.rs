//! An origin asks workers for what its viewers wait for.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use plan::{SegmentKey, VideoId};
use store::work::{Answer, Demand, Urgency, Wanted};
use store::{Moment, ObjectKey};
use tokio::sync::Notify;

use crate::encoding::turns::{Asked, Viewer};
use crate::inner::Inner;

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
pub(crate) struct Watched {
    videos: Mutex<HashMap<VideoId, Moment>>,
    /// When there was no worker to ask.
    nobody: Mutex<Option<Moment>>,
}

impl Watched {
    /// Whether somebody was lately sent away because there is no worker.
    pub(crate) fn lacked_workers(&self, now: Moment) -> bool {
        let nobody = *self.nobody.lock();
        nobody.is_some_and(|at| now.since(at) < WATCHED)
    }

    fn note(&self, inner: &Inner, video: VideoId) {
        let now = inner.stores.clock.now();
        let mut watched = self.videos.lock();
        if watched.len() >= REMEMBERED {
            watched.retain(|_, at| now.since(*at) < WATCHED);
        }
        if watched.len() < REMEMBERED {
            watched.insert(video, now);
        }
    }

    fn is(&self, inner: &Inner, video: VideoId) -> bool {
        let now = inner.stores.clock.now();
        let watched = self.videos.lock();
        watched
            .get(&video)
            .is_some_and(|at| now.since(*at) < WATCHED)
    }
}

/// Asks; what cannot be asked is asked again like what is busy.
async fn ask(inner: &Inner, wanted: Wanted, asked: &Asked) -> Answer {
    let now = inner.stores.clock.now();
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
    let answer = inner.stores.work.ask(demand).await;
    let answer = answer.unwrap_or_else(|error| {
        tracing::debug!(%error, "workers cannot be asked");
        Answer::Busy
    });
    if answer == Answer::Nobody {
        *inner.asked.nobody.lock() = Some(inner.stores.clock.now());
    }
    answer
}

/// Asked for nobody in particular.
fn anybody(inner: &Inner, patience: Duration) -> Asked {
    let until = inner.stores.clock.now() + patience;
    Asked {
        deadline: until,
        until,
        ..Asked::default()
    }
}

fn soon(inner: &Inner) -> Duration {
    AGAIN + inner.stores.jitter.up_to(AGAIN)
}

/// Asks for a segment until it is there, or nobody waits for it any more: it is there once that
/// is heard, or seen, whichever is first.
pub(crate) async fn segment(inner: Arc<Inner>, key: SegmentKey, heard: Arc<Notify>) {
    let object = ObjectKey::Segment(key);
    let mut changes = inner.sessions.waiting.changes();
    while let Some(asked) = inner.sessions.waiting.still_asked(&key, &heard) {
        let pause = match ask(&inner, Wanted::Object(object.clone()), &asked).await {
            Answer::Accepted => TRUST,
            Answer::Stored => Duration::ZERO,
            Answer::Busy => soon(&inner),
            Answer::Nobody => {
                tracing::warn!(video = %key.video, "there is no worker");
                return inner.sessions.waiting.give_up(&key);
            }
        };
        inner.asked.note(&inner, key.video);
        let deserted = async {
            while inner.sessions.waiting.still_asked(&key, &heard).is_some() {
                // The sender lives as long as the pipeline.
                let _ = changes.changed().await;
            }
        };
        tokio::select! {
            () = heard.notified() => {}
            () = inner.stores.clock.sleep(pause) => {}
            () = deserted => return,
        }
        match inner.records.stored(&object).await {
            Ok(bytes) => return inner.sessions.waiting.made(&key, &bytes),
            // What was said to be there was not: once more, not at once.
            Err(_) if pause.is_zero() => inner.stores.clock.sleep(soon(&inner)).await,
            Err(_) => {}
        }
    }
}

/// Asks for a still, which the answer says is stored.
pub(crate) async fn still(inner: &Inner, object: &ObjectKey, viewer: &Viewer) {
    let asked = Asked {
        viewer: viewer.clone(),
        ..anybody(inner, inner.config.demand_wait)
    };
    loop {
        match ask(inner, Wanted::Object(object.clone()), &asked).await {
            Answer::Accepted | Answer::Stored | Answer::Nobody => return,
            Answer::Busy => inner.stores.clock.sleep(soon(inner)).await,
        }
    }
}

/// Asks for a video to be started; where nobody does, it is left to the reconciler.
pub(crate) async fn start(inner: Arc<Inner>, video: VideoId) {
    let asked = anybody(&inner, START);
    while inner.stores.clock.now() < asked.until {
        match ask(&inner, Wanted::Start(video), &asked).await {
            Answer::Accepted | Answer::Stored => {
                return inner.asked.note(&inner, video);
            }
            Answer::Busy | Answer::Nobody => inner.stores.clock.sleep(soon(&inner)).await,
        }
    }
}

/// Tells the worker that is warm for a video of its viewers.
pub(crate) fn tell(inner: &Arc<Inner>, wanted: Wanted, viewer: &Viewer) {
    let is_watched = |video| inner.asked.is(inner, video);
    if !wanted.video().is_some_and(is_watched) {
        return;
    }
    let demand = Demand {
        wanted,
        patience: inner.config.demand_wait,
        urgency: Urgency::Hint,
        viewer: viewer.into(),
    };
    let teller = inner.clone();
    inner.tasks.spawn(async move {
        if let Err(error) = teller.stores.work.tell(demand).await {
            tracing::debug!(%error, "a worker cannot be told of its viewers");
        }
    });
}

//! Tests of demands between processes.

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use store::ObjectKey;
use store::work::{Answer, Demand, Urgency, Viewer, Wanted};

use super::*;
use crate::contract::sample::segment;

fn demand(video: VideoId) -> Demand {
    Demand {
        wanted: Wanted::Object(ObjectKey::Segment(segment(video, 7))),
        patience: PATIENCE,
        urgency: Urgency::Waiting,
        viewer: Viewer::default(),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_warm_worker_that_does_not_answer_is_skipped() {
    let installation = Installation::new();
    let origin = installation.process().await;
    let video = VideoId::new();
    let (stuck, other) = (installation.process().await, installation.process().await);
    let mut stuck = stuck.work.listen().await.unwrap();
    stuck.attend(&[video]).await.unwrap();
    let mut other = other.work.listen().await.unwrap();
    let worker = async {
        let _unanswered = stuck.next().await.unwrap();
        // The second request may arrive at either worker.
        let asked = tokio::select! {
            asked = stuck.next() => asked,
            asked = other.next() => asked,
        };
        asked.unwrap().answer(Answer::Accepted);
    };
    let asked = timeout(PATIENCE, origin.work.ask(demand(video)));
    let (answered, ()) = tokio::join!(asked, worker);
    assert_eq!(answered.unwrap().unwrap(), Answer::Accepted);
}

/// More demands are sent than fit a worker's queue. A worker that does not read them refuses the rest.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_that_hangs_refuses_what_it_cannot_keep() {
    let installation = Installation::new();
    let origin = installation.process().await;
    let worker = installation.process().await;
    let mut hangs = worker.work.listen().await.unwrap();
    let asks = (0..300).map(|_| origin.work.ask(demand(VideoId::new())));
    let mut answers: FuturesUnordered<_> = asks.collect();
    for _ in 256..300 {
        let answer = timeout(PATIENCE / 2, answers.next()).await;
        let answer = answer.expect("the demand was not refused at once").unwrap();
        assert_eq!(answer.unwrap(), Answer::Busy);
    }
    // Queued demands are answered when the worker continues.
    hangs.next().await.unwrap().answer(Answer::Stored);
    let answer = timeout(PATIENCE / 2, answers.next()).await;
    assert_eq!(answer.unwrap().unwrap().unwrap(), Answer::Stored);
}

//! The contract of `Work`.

use std::time::Duration;

use futures::{FutureExt, future};
use plan::{OwnerId, VideoId};
use store::metadata::Priority;
use store::work::{Answer, Chunk, Demand, InHand, Offered, Scope, Urgency, Viewer};
use store::{Clock, ManualClock, Work};

use super::sample::segment;

fn chunk(chunk: u32) -> Chunk {
    Chunk {
        video: "video_01h455vb4pex5vsknk084sn02q".parse().unwrap(),
        plan: "plan".into(),
        chunk,
        scope: Scope::All,
        owner: OwnerId::new(),
        priority: Priority::Interactive,
    }
}

/// What can be taken at once.
async fn take_now(work: &dyn Work) -> Option<InHand> {
    tokio::task::yield_now().await;
    work.take().now_or_never().map(Result::unwrap)
}

pub async fn an_offer_is_refused_while_the_same_one_waits_or_is_in_hand(
    work: &dyn Work,
    _: &ManualClock,
) {
    let same = chunk(1);
    assert_eq!(work.offer(same.clone()).await.unwrap(), Offered::Queued);
    assert_eq!(work.offer(same.clone()).await.unwrap(), Offered::Already);
    let other_scope = Chunk {
        scope: Scope::Start,
        ..same.clone()
    };
    assert_eq!(work.offer(other_scope).await.unwrap(), Offered::Queued);

    let in_hand = work.take().await.unwrap();
    assert_eq!(in_hand.chunk(), &same);
    assert_eq!(work.offer(same.clone()).await.unwrap(), Offered::Already);
    in_hand.ack();
    assert_eq!(work.offer(same).await.unwrap(), Offered::Queued);
}

pub async fn what_is_handed_back_comes_again_after_its_delay(work: &dyn Work, clock: &ManualClock) {
    work.offer(chunk(1)).await.unwrap();
    work.take().await.unwrap().nack(Duration::from_secs(5));
    assert!(take_now(work).await.is_none());
    assert_eq!(work.offer(chunk(1)).await.unwrap(), Offered::Already);

    // Somebody who waits is woken by the clock.
    let waiting = work.take();
    let later = async {
        clock.advance(Duration::from_secs(4));
        assert!(take_now(work).await.is_none());
        clock.advance(Duration::from_secs(1));
    };
    let (taken, ()) = future::join(waiting, later).await;
    assert_eq!(taken.unwrap().chunk().chunk, 1);
}

pub async fn what_its_worker_dropped_comes_again_at_once(work: &dyn Work, _: &ManualClock) {
    work.offer(chunk(1)).await.unwrap();
    drop(work.take().await.unwrap());
    assert_eq!(take_now(work).await.unwrap().chunk().chunk, 1);
}

pub async fn a_worker_waits_until_something_is_offered(work: &dyn Work, _: &ManualClock) {
    let offer = async {
        tokio::task::yield_now().await;
        work.offer(chunk(7)).await.unwrap();
    };
    let (taken, ()) = future::join(work.take(), offer).await;
    assert_eq!(taken.unwrap().chunk().chunk, 7);
}

pub async fn each_of_many_chunks_goes_to_one_worker(work: &dyn Work, _: &ManualClock) {
    let workers = (0..4).map(|_| async {
        let mut mine = Vec::new();
        for _ in 0..25 {
            let taken = work.take().await.unwrap();
            mine.push(taken.chunk().chunk);
            taken.ack();
            tokio::task::yield_now().await;
        }
        mine
    });
    let offers = async {
        for index in 0..100 {
            work.offer(chunk(index)).await.unwrap();
            tokio::task::yield_now().await;
        }
    };
    let (mine, ()) = future::join(future::join_all(workers), offers).await;
    let mut all = mine.concat();
    all.sort_unstable();
    assert_eq!(all, (0..100).collect::<Vec<_>>());
}

pub async fn interactive_comes_before_bulk_and_owners_take_turns(work: &dyn Work, _: &ManualClock) {
    let (busy, quiet, importer) = (OwnerId::new(), OwnerId::new(), OwnerId::new());
    let offer = async |index, owner, priority| {
        work.offer(Chunk {
            owner,
            priority,
            ..chunk(index)
        })
        .await
        .unwrap();
    };
    offer(0, importer, Priority::Bulk).await;
    for index in 1..=3 {
        offer(index, busy, Priority::Interactive).await;
    }
    for index in 4..=5 {
        offer(index, quiet, Priority::Interactive).await;
    }
    let mut order = Vec::new();
    while let Some(taken) = take_now(work).await {
        order.push(taken.chunk().chunk);
        taken.ack();
    }
    assert_eq!(order, [1, 4, 2, 5, 3, 0]);
}

pub async fn the_queue_is_bounded(work: &dyn Work, _: &ManualClock) {
    let mut offered = 0;
    while work.offer(chunk(offered)).await.unwrap() == Offered::Queued {
        offered += 1;
        assert!(offered < 100_000);
    }
    assert_eq!(work.offer(chunk(offered)).await.unwrap(), Offered::Full);
    work.take().await.unwrap().ack();
    assert_eq!(work.offer(chunk(offered)).await.unwrap(), Offered::Queued);
}

fn demand(clock: &ManualClock, patience: Duration) -> Demand {
    Demand {
        segments: vec![segment(VideoId::new(), 412)],
        deadline_us: clock.now_us() + patience.as_micros() as i64,
        urgency: Urgency::Waiting,
        viewer: Viewer::default(),
    }
}

pub async fn a_demand_gets_its_workers_answer(work: &dyn Work, clock: &ManualClock) {
    for answer in [Answer::Accepted, Answer::Busy] {
        let wanted = demand(clock, Duration::from_secs(9));
        let worker = async {
            let asked = work.next_demand().await.unwrap();
            assert_eq!(asked.demand(), &wanted);
            asked.answer(answer);
        };
        let (answered, ()) = future::join(work.demand(wanted.clone()), worker).await;
        assert_eq!(answered.unwrap(), answer);
    }
}

pub async fn a_demand_that_is_dropped_is_refused(work: &dyn Work, clock: &ManualClock) {
    let worker = async { drop(work.next_demand().await.unwrap()) };
    let (answered, ()) =
        future::join(work.demand(demand(clock, Duration::from_secs(9))), worker).await;
    assert_eq!(answered.unwrap(), Answer::Busy);
}

pub async fn a_demand_that_nobody_answers_is_refused_at_its_deadline(
    work: &dyn Work,
    clock: &ManualClock,
) {
    let time = async {
        tokio::task::yield_now().await;
        clock.advance(Duration::from_secs(9));
    };
    let (answered, ()) =
        future::join(work.demand(demand(clock, Duration::from_secs(9))), time).await;
    assert_eq!(answered.unwrap(), Answer::Busy);
}

//! Contract of `Work`, as tests.

use std::time::{Duration, Instant};

use futures::future;
use plan::{RenditionKey, VideoId};
use store::work::{
    Answer, Chunk, Demand, InHand, Listener, Offered, Scope, Urgency, Viewer, Wanted, Worker,
    WorkerId,
};
use store::{ObjectKey, Work};
use tokio::time::timeout;
use uuid::Uuid;

use super::sample::segment;

/// Time limit for everything in these tests, longer than any step takes.
const PATIENCE: Duration = Duration::from_secs(20);
/// Time for which the tests wait for something that must not happen.
const A_WHILE: Duration = Duration::from_millis(300);

fn chunk(index: u32) -> Chunk {
    Chunk {
        video: "video_01h455vb4pex5vsknk084sn02q".parse().unwrap(),
        plan: "plan".into(),
        scope: Scope::All,
        index,
    }
}

async fn take(work: &dyn Work) -> InHand {
    let taken = timeout(PATIENCE, work.take()).await;
    taken.expect("no chunk arrived").unwrap()
}

async fn nothing_comes(work: &dyn Work) {
    assert!(timeout(A_WHILE, work.take()).await.is_err());
}

/// Offers a chunk until it is queued, since an implementation may learn late that an equal chunk was settled.
async fn offer_anew(work: &dyn Work, chunk: &Chunk) {
    let queued = async {
        while work.offer(chunk).await.unwrap() != Offered::Queued {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, queued)
        .await
        .expect("the chunk was not queued");
}

pub async fn an_offer_is_refused_while_the_same_one_waits_or_is_in_hand(work: &dyn Work) {
    let same = chunk(1);
    assert_eq!(work.offer(&same).await.unwrap(), Offered::Queued);
    assert_eq!(work.offer(&same).await.unwrap(), Offered::Already);
    let other_scope = Chunk {
        scope: Scope::Start,
        ..same.clone()
    };
    assert_eq!(work.offer(&other_scope).await.unwrap(), Offered::Queued);

    let in_hand = take(work).await;
    assert_eq!(in_hand.chunk(), &same);
    assert_eq!(work.offer(&same).await.unwrap(), Offered::Already);
    in_hand.ack();
    offer_anew(work, &same).await;
}

pub async fn what_is_handed_back_comes_again_after_its_delay(work: &dyn Work) {
    let delay = Duration::from_secs(1);
    work.offer(&chunk(1)).await.unwrap();
    let in_hand = take(work).await;
    let began = Instant::now();
    in_hand.nack(delay);
    assert_eq!(work.offer(&chunk(1)).await.unwrap(), Offered::Already);
    assert_eq!(take(work).await.chunk(), &chunk(1));
    assert!(began.elapsed() >= delay);
}

pub async fn what_its_worker_dropped_comes_again(work: &dyn Work) {
    work.offer(&chunk(1)).await.unwrap();
    drop(take(work).await);
    assert_eq!(take(work).await.chunk(), &chunk(1));
}

pub async fn a_worker_waits_until_something_is_offered(work: &dyn Work) {
    nothing_comes(work).await;
    let offer = async {
        tokio::task::yield_now().await;
        work.offer(&chunk(7)).await.unwrap();
    };
    let (taken, _) = future::join(take(work), offer).await;
    assert_eq!(taken.chunk(), &chunk(7));
    taken.ack();
    nothing_comes(work).await;
}

pub async fn each_of_many_chunks_goes_to_one_worker(work: &dyn Work) {
    let workers = (0..4).map(|_| async {
        let mut mine = Vec::new();
        for _ in 0..25 {
            let taken = take(work).await;
            mine.push(taken.chunk().index);
            taken.ack();
            tokio::task::yield_now().await;
        }
        mine
    });
    let offers = async {
        for index in 0..100 {
            work.offer(&chunk(index)).await.unwrap();
            tokio::task::yield_now().await;
        }
    };
    let (mine, ()) = future::join(future::join_all(workers), offers).await;
    let mut all = mine.concat();
    all.sort_unstable();
    assert_eq!(all, (0..100).collect::<Vec<_>>());
}

pub async fn what_is_withdrawn_is_not_taken_and_can_be_offered_anew(work: &dyn Work) {
    assert!(
        !work.withdraw(&chunk(0)).await.unwrap(),
        "the chunk was never offered"
    );
    for index in 0..4 {
        work.offer(&chunk(index)).await.unwrap();
    }
    let in_hand = take(work).await;
    assert!(
        !work.withdraw(&chunk(0)).await.unwrap(),
        "the chunk is taken"
    );
    assert!(work.withdraw(&chunk(1)).await.unwrap());
    assert!(
        !work.withdraw(&chunk(1)).await.unwrap(),
        "the chunk was withdrawn already"
    );
    let next = take(work).await;
    assert_eq!(next.chunk(), &chunk(2));
    next.nack(Duration::from_secs(1));
    assert!(
        !work.withdraw(&chunk(2)).await.unwrap(),
        "the chunk was handed back for later"
    );
    assert_eq!(work.offer(&chunk(1)).await.unwrap(), Offered::Queued);
    for index in [3, 1, 2] {
        let taken = take(work).await;
        assert_eq!(taken.chunk(), &chunk(index));
        taken.ack();
    }
    assert_eq!(work.offer(&chunk(0)).await.unwrap(), Offered::Already);
    in_hand.ack();
}

pub async fn more_of_a_video_is_taken_by_one_and_comes_again_if_it_is_handed_back(work: &dyn Work) {
    let video = VideoId::new();
    let more = |index| Chunk {
        video,
        ..chunk(index)
    };
    assert!(work.take_more_of(video).await.unwrap().is_none());
    work.offer(&chunk(1)).await.unwrap();
    for index in [2, 3] {
        work.offer(&more(index)).await.unwrap();
    }
    let [two, three] = [
        work.take_more_of(video).await.unwrap().unwrap(),
        work.take_more_of(video).await.unwrap().unwrap(),
    ];
    assert_eq!((two.chunk(), three.chunk()), (&more(2), &more(3)));
    assert!(work.take_more_of(video).await.unwrap().is_none());
    assert_eq!(work.offer(&more(2)).await.unwrap(), Offered::Already);

    let one = take(work).await;
    assert_eq!(one.chunk(), &chunk(1));
    nothing_comes(work).await;
    drop(three);
    let again = take(work).await;
    assert_eq!(again.chunk(), &more(3));
    again.ack();
    two.ack();
    offer_anew(work, &more(2)).await;
}

pub async fn chunks_come_in_the_order_of_their_offers(work: &dyn Work) {
    for index in 0..20 {
        work.offer(&chunk(index)).await.unwrap();
    }
    for index in 0..20 {
        let taken = take(work).await;
        assert_eq!(taken.chunk().index, index);
        taken.ack();
    }
}

pub async fn the_queue_is_bounded(work: &dyn Work) {
    let mut offered = 0;
    while work.offer(&chunk(offered)).await.unwrap() == Offered::Queued {
        offered += 1;
        assert!(offered < 10_000);
    }
    assert_eq!(work.offer(&chunk(offered)).await.unwrap(), Offered::Full);
    take(work).await.ack();
    offer_anew(work, &chunk(offered)).await;
}

fn demand(video: VideoId, patience: Duration) -> Demand {
    Demand {
        wanted: Wanted::Object(ObjectKey::Segment(segment(video, 412))),
        patience,
        urgency: Urgency::SecondTry,
        viewer: Viewer {
            network: Some([192, 0, 2, 1].into()),
            session: Some("a session".into()),
            deadline: Some(Duration::from_millis(400)),
        },
    }
}

/// Answers the next demand, which must be the expected one.
async fn answer(listener: &mut dyn Listener, expected: &Demand, with: Answer) {
    let asked = timeout(PATIENCE, listener.next()).await;
    let asked = asked.expect("no demand arrived").unwrap();
    let demand = asked.demand();
    assert_eq!(demand.wanted, expected.wanted);
    assert_eq!(demand.viewer, expected.viewer);
    assert_eq!(demand.urgency, expected.urgency);
    assert!(demand.patience <= expected.patience);
    asked.answer(with);
}

pub async fn a_demand_gets_its_workers_answer(work: &dyn Work) {
    let mut listener = work.listen().await.unwrap();
    for expected in [Answer::Accepted, Answer::Stored, Answer::Busy] {
        let wanted = demand(VideoId::new(), PATIENCE);
        let worker = answer(&mut *listener, &wanted, expected);
        let (answered, ()) = future::join(work.ask(wanted.clone()), worker).await;
        assert_eq!(answered.unwrap(), expected);
    }
}

pub async fn a_demand_that_is_dropped_is_refused(work: &dyn Work) {
    let mut listener = work.listen().await.unwrap();
    let worker = async { drop(listener.next().await.unwrap()) };
    let asked = work.ask(demand(VideoId::new(), PATIENCE));
    let (answered, ()) = future::join(asked, worker).await;
    assert_eq!(answered.unwrap(), Answer::Busy);
}

pub async fn a_demand_that_nobody_answers_is_refused_after_its_patience(work: &dyn Work) {
    let mut listener = work.listen().await.unwrap();
    let (patience, began) = (Duration::from_millis(500), Instant::now());
    let worker = async { listener.next().await.unwrap() };
    let asked = work.ask(demand(VideoId::new(), patience));
    let (answered, asked) = future::join(asked, worker).await;
    assert_eq!(answered.unwrap(), Answer::Busy);
    assert!(began.elapsed() >= patience);
    // The answer is too late, which is harmless.
    asked.answer(Answer::Accepted);
}

pub async fn where_no_worker_is_a_demand_learns_it_at_once(work: &dyn Work) {
    let ask = || timeout(A_WHILE * 5, work.ask(demand(VideoId::new(), PATIENCE)));
    assert_eq!(ask().await.unwrap().unwrap(), Answer::Nobody);
    drop(work.listen().await.unwrap());
    let nobody = async {
        // A demand that still reaches the closed listener is refused, not lost.
        while ask().await.unwrap().unwrap() != Answer::Nobody {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, nobody)
        .await
        .expect("the end of the listener was not noticed");
}

pub async fn who_is_warm_for_a_video_is_asked_first(work: &dyn Work) {
    let mut warm = work.listen().await.unwrap();
    let mut others = [work.listen().await.unwrap(), work.listen().await.unwrap()];
    let video = VideoId::new();
    warm.attend(&[VideoId::new(), video]).await.unwrap();
    let wanted = demand(video, PATIENCE);
    for _ in 0..10 {
        let worker = answer(&mut *warm, &wanted, Answer::Accepted);
        let (answered, ()) = future::join(work.ask(wanted.clone()), worker).await;
        assert_eq!(answered.unwrap(), Answer::Accepted);
    }
    // Information for a warm worker goes to no other worker.
    let near = Demand {
        wanted: Wanted::Near(segment(video, 7)),
        ..wanted.clone()
    };
    work.tell(near.clone()).await.unwrap();
    answer(&mut *warm, &near, Answer::Accepted).await;
    // If the warm worker is busy, other workers are asked.
    let [one, two] = &mut others;
    let busy = async {
        answer(&mut *warm, &wanted, Answer::Busy).await;
        let any = tokio::select! {
            asked = one.next() => asked,
            asked = two.next() => asked,
            asked = warm.next() => asked,
        };
        any.unwrap().answer(Answer::Accepted);
    };
    let (answered, ()) = future::join(work.ask(wanted.clone()), busy).await;
    assert_eq!(answered.unwrap(), Answer::Accepted);
    // Without a warm worker, information is lost.
    warm.attend(&[]).await.unwrap();
    work.tell(near).await.unwrap();
    for ear in others.iter_mut().chain([&mut warm]) {
        assert!(timeout(A_WHILE, ear.next()).await.is_err());
    }
}

pub async fn workers_hear_of_each_other(work: &dyn Work) {
    let worker = |n: u128| Worker {
        id: WorkerId(Uuid::from_u128(n)),
        cores: 2,
        memory_bytes: 1 << 30,
        warm: vec![VideoId::new()],
        declines: vec![RenditionKey {
            video: VideoId::new(),
            rendition: "v720-k3m9x2a7q0wd".parse().unwrap(),
        }],
        drains: false,
    };
    let (one, mut two) = (worker(1), worker(2));
    let heard = async |expected: &[Worker]| {
        let until = async {
            while work.workers().await.unwrap() != expected {
                tokio::task::yield_now().await;
            }
        };
        timeout(PATIENCE, until)
            .await
            .expect("the workers were not announced");
    };
    // A process without a worker learns of the workers too, once it has subscribed.
    work.workers().await.unwrap();
    work.announce(two.clone()).await.unwrap();
    work.announce(one.clone()).await.unwrap();
    heard(&[one.clone(), two.clone()]).await;
    two.drains = true;
    work.announce(two.clone()).await.unwrap();
    heard(&[one, two]).await;
}

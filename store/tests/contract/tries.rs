//! Contract of `Tries`, as tests.

use futures::future;
use plan::VideoId;
use store::metadata::{Tries, TryRow};

use super::sample::segment;

pub async fn no_try_is_lost_among_many(tries: &dyn Tries) {
    let key = segment(VideoId::new(), 3);
    assert_eq!(tries.get(&key).await.unwrap(), TryRow::default());
    future::join_all((0..10).map(|_| tries.record_try(&key))).await;
    assert_eq!(tries.get(&key).await.unwrap().counted, 10);
    assert_eq!(
        tries.get(&segment(key.video, 4)).await.unwrap(),
        TryRow::default()
    );
}

pub async fn a_mark_that_still_stands_is_an_unexplained_end(tries: &dyn Tries) {
    let key = segment(VideoId::new(), 0);
    let row = |counted, unexplained, marked| TryRow {
        counted,
        unexplained,
        marked,
    };
    assert_eq!(tries.mark(&key).await.unwrap(), row(0, 0, true));
    assert_eq!(tries.mark(&key).await.unwrap(), row(0, 1, true));
    tries.unmark(&key).await.unwrap();
    assert_eq!(tries.mark(&key).await.unwrap(), row(0, 1, true));
    assert_eq!(tries.record_try(&key).await.unwrap(), row(1, 1, false));
    assert_eq!(tries.mark(&key).await.unwrap(), row(1, 1, true));
    tries.unmark(&segment(key.video, 9)).await.unwrap();
}

pub async fn a_retry_forgets_tries_but_not_fillers(tries: &dyn Tries) {
    let (key, other) = (segment(VideoId::new(), 5), segment(VideoId::new(), 5));
    for key in [key, other] {
        tries.record_try(&key).await.unwrap();
        for _ in 0..2 {
            tries.record_filler(&key).await.unwrap();
        }
    }
    let filler = [(key.rendition, 5)].into();
    tries.clear(&key.video).await.unwrap();
    assert_eq!(tries.get(&key).await.unwrap(), TryRow::default());
    assert_eq!(tries.fillers(&key.video).await.unwrap(), filler);
    tries.remove(&key.video).await.unwrap();
    assert!(tries.fillers(&key.video).await.unwrap().is_empty());
    assert_eq!(tries.fillers(&other.video).await.unwrap(), filler);
    assert_eq!(tries.get(&other).await.unwrap().counted, 1);
}

pub async fn what_is_put_is_listed(tries: &dyn Tries) {
    let (video, elsewhere) = (VideoId::new(), segment(VideoId::new(), 0));
    let of = |index| segment(video, index);
    let rows = [
        TryRow {
            counted: 2,
            unexplained: 9,
            marked: true,
        },
        TryRow {
            marked: true,
            ..TryRow::default()
        },
        TryRow::default(),
    ];
    tries.record_try(&of(1)).await.unwrap();
    tries.mark(&of(3)).await.unwrap();
    tries.unmark(&of(3)).await.unwrap();
    tries.record_try(&elsewhere).await.unwrap();
    for (index, row) in (0..).zip(rows) {
        tries.put(&of(index), row).await.unwrap();
        assert_eq!(tries.get(&of(index)).await.unwrap(), row);
    }
    let listed = tries.list(&video).await.unwrap();
    let rendition = elsewhere.rendition;
    let expected = [((rendition, 0), rows[0]), ((rendition, 1), rows[1])];
    assert_eq!(listed, expected.into());
    let next = tries.mark(&of(0)).await.unwrap();
    assert_eq!((next.counted, next.unexplained), (2, 10));
    tries.clear(&video).await.unwrap();
    assert!(tries.list(&video).await.unwrap().is_empty());
}

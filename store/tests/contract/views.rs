//! Contract of `Views`, as tests.

use futures::future;
use plan::VideoId;
use store::metadata::Views;

pub async fn no_view_is_lost_among_many(views: &dyn Views) {
    let (video, other) = (VideoId::new(), VideoId::new());
    assert_eq!(views.get(&video).await.unwrap(), 0);
    assert_eq!(views.add(&video, 3).await.unwrap(), 3);
    let added = future::join_all((0..10).map(|_| views.add(&video, 2))).await;
    let counts = added.into_iter().map(|count| count.unwrap());
    assert_eq!(counts.max(), Some(23));
    assert_eq!(views.get(&video).await.unwrap(), 23);
    assert_eq!(views.get(&other).await.unwrap(), 0);
}

pub async fn what_is_removed_is_nought_and_the_others_stay(views: &dyn Views) {
    let (gone, other) = (VideoId::new(), VideoId::new());
    for video in [&gone, &other] {
        views.add(video, 4).await.unwrap();
    }
    for _ in 0..2 {
        views.remove(&gone).await.unwrap();
        assert_eq!(views.get(&gone).await.unwrap(), 0);
    }
    assert_eq!(views.get(&other).await.unwrap(), 4);
}

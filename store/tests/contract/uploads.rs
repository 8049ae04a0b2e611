//! Contract of `Uploads`, as tests.

use futures::future;
use plan::{UploadId, VideoId};
use store::Error;
use store::metadata::{UploadRow, Uploads};

use super::sample::upload;

pub async fn an_offset_never_goes_back(uploads: &dyn Uploads) {
    let row = upload(VideoId::new(), 10);
    uploads.insert(&row).await.unwrap();
    assert!(matches!(uploads.insert(&row).await, Err(Error::Conflict)));
    assert_eq!(uploads.get(&row.id).await.unwrap(), Some(row.clone()));

    future::join_all((1..=40).map(|at| uploads.advance(&row.id, at * 10, 20))).await;
    let now = uploads.advance(&row.id, 30, 99).await.unwrap();
    assert_eq!((now.offset, now.updated_at_us), (400, 20));

    for at in [30, 31] {
        let done = uploads.complete(&row.id, at).await.unwrap();
        assert_eq!(
            (done.complete, done.offset, done.updated_at_us),
            (true, 400, 30)
        );
    }
}

pub async fn an_unknown_upload_is_not_found(uploads: &dyn Uploads) {
    let id = UploadId::new();
    assert_eq!(uploads.get(&id).await.unwrap(), None);
    assert!(matches!(
        uploads.advance(&id, 1, 1).await,
        Err(Error::NotFound)
    ));
    assert!(matches!(
        uploads.complete(&id, 1).await,
        Err(Error::NotFound)
    ));
    assert!(matches!(uploads.touch(&id, 1).await, Err(Error::NotFound)));
    uploads.remove(&id).await.unwrap();
}

pub async fn the_stale_are_incomplete_and_come_longest_still_first(uploads: &dyn Uploads) {
    let video = VideoId::new();
    let rows: Vec<_> = (0..5).map(|at| upload(video, at)).collect();
    for row in &rows {
        uploads.insert(row).await.unwrap();
    }
    uploads.complete(&rows[0].id, 0).await.unwrap();
    uploads.advance(&rows[1].id, 5, 100).await.unwrap();
    let stale = async |limit| {
        let rows = uploads.list_stale(50, limit).await.unwrap();
        rows.iter().map(|row| row.id).collect::<Vec<_>>()
    };
    assert_eq!(stale(10).await, [rows[2].id, rows[3].id, rows[4].id]);
    assert_eq!(stale(2).await, [rows[2].id, rows[3].id]);

    uploads.touch(&rows[3].id, 60).await.unwrap();
    let touched = uploads.get(&rows[3].id).await.unwrap().unwrap();
    assert_eq!(
        (touched.offset, touched.updated_at_us),
        (rows[3].offset, 60)
    );
    assert_eq!(stale(10).await, [rows[2].id, rows[4].id]);

    uploads.remove(&rows[2].id).await.unwrap();
    assert_eq!(uploads.list_by_video(&video).await.unwrap().len(), 4);
    assert_eq!(uploads.list_by_video(&VideoId::new()).await.unwrap(), []);
}

pub async fn one_that_moves_is_not_given_up_and_one_that_is_does_not_move(uploads: &dyn Uploads) {
    let seen = upload(VideoId::new(), 10);
    uploads.insert(&seen).await.unwrap();
    uploads.touch(&seen.id, 20).await.unwrap();
    assert!(!uploads.give_up(&seen).await.unwrap());
    let seen = uploads.get(&seen.id).await.unwrap().unwrap();
    // Exactly one of both succeeds: the upload makes progress, or it is given up.
    let (moved, given_up) =
        future::join(uploads.advance(&seen.id, 400, 30), uploads.give_up(&seen)).await;
    assert_ne!(moved.is_ok(), given_up.unwrap());

    let still = upload(VideoId::new(), 10);
    uploads.insert(&still).await.unwrap();
    for _ in 0..2 {
        assert!(uploads.give_up(&still).await.unwrap());
        let moved = uploads.advance(&still.id, 400, 30).await;
        assert!(matches!(moved, Err(Error::NotFound)));
        let touched = uploads.touch(&still.id, 30).await;
        assert!(matches!(touched, Err(Error::NotFound)));
    }
    let left = uploads.list_stale(50, 10).await.unwrap();
    let is_left = |row: &UploadRow| row.id == still.id && row.given_up;
    assert!(left.iter().any(is_left));

    let done = uploads.complete(&still.id, 40).await.unwrap();
    assert!(done.complete && !uploads.give_up(&done).await.unwrap());
    let unknown = upload(VideoId::new(), 10);
    assert!(!uploads.give_up(&unknown).await.unwrap());
}

pub async fn an_upload_that_is_inserted_complete_is_never_stale(uploads: &dyn Uploads) {
    let mut row = upload(VideoId::new(), 1);
    (row.offset, row.complete) = (1000, true);
    uploads.insert(&row).await.unwrap();
    assert_eq!(uploads.get(&row.id).await.unwrap(), Some(row.clone()));
    let of_video = uploads.list_by_video(&row.video).await.unwrap();
    assert_eq!(of_video, std::slice::from_ref(&row));
    assert_eq!(uploads.list_stale(i64::MAX, 10).await.unwrap(), []);
}

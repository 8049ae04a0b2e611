//! Thumbnails: from what they are made, and how many are kept.

use futures::TryStreamExt;
use pipeline::{DemandError, Viewer};
use plan::SegmentKey;
use store::metadata::State;
use store::{ObjectKey, Prefix};

use super::support::{Script, house};

#[tokio::test]
async fn a_thumbnail_is_made_when_it_is_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let script = Script::of(10);
    let house = house(folder.path(), &script).await;
    let video = house.upload().await;
    house.until_playable(video).await;
    let made = house
        .pipeline
        .playback()
        .thumbnail(video, 320, 9, &Viewer::default())
        .await
        .unwrap();
    assert_eq!(made, sketch::JPEG);
    for (width, second) in [(321, 9), (320, 10)] {
        let refused = house
            .pipeline
            .playback()
            .thumbnail(video, width, second, &Viewer::default())
            .await;
        assert!(matches!(refused, Err(DemandError::NotFound)));
    }
}

#[tokio::test]
async fn a_thumbnail_is_made_of_the_smallest_stored_segment_that_is_large_enough() {
    let folder = tempfile::tempdir().unwrap();
    let script = Script::of(10);
    let house = house(folder.path(), &script).await;
    let video = house.upload().await;
    let (_, plan) = house.until_playable(video).await;
    house.until(video, |row| row.state == State::Ready).await;
    let asked = |width, second| {
        let pipeline = house.pipeline.clone();
        async move {
            let viewer = Viewer::default();
            pipeline
                .playback()
                .thumbnail(video, width, second, &viewer)
                .await
                .unwrap();
        }
    };
    let rung = |width| {
        let mut rungs = plan.video.iter().rev();
        rungs.find(|rung| rung.size().width >= width).unwrap().id
    };
    let segment = plan.timeline.segment_at_us(9_000_000);
    asked(320, 9).await;
    asked(1280, 9).await;
    // A segment that was deleted meanwhile is not needed: the source is used.
    let gone = SegmentKey {
        video,
        rendition: rung(320),
        index: segment,
    };
    let objects = &house.stores.objects;
    objects.delete(&[ObjectKey::Segment(gone)]).await.unwrap();
    asked(160, 9).await;
    let expected = [
        Some((rung(320), segment)),
        Some((rung(1280), segment)),
        None,
    ];
    assert_eq!(script.thumbnails(), expected);
}

#[tokio::test]
async fn of_thumbnails_without_number_a_thousand_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    let script = Script::of(1200);
    let house = house(folder.path(), &script).await;
    script.gate(Some(5));
    let video = house.upload().await;
    house.until_playable(video).await;
    let objects = &house.stores.objects;
    let count = async || {
        let mut count = 0;
        let mut listed = objects.list(&Prefix::Video(video)).await.unwrap();
        while let Some(object) = listed.try_next().await.unwrap() {
            count += u32::from(matches!(object.key, ObjectKey::Thumbnail { .. }));
        }
        count
    };
    let mut counts = Vec::new();
    for second in 0..1002 {
        let viewer = Viewer::default();
        let made = house
            .pipeline
            .playback()
            .thumbnail(video, 480, second, &viewer)
            .await;
        made.unwrap();
        if second >= 999 {
            counts.push(count().await);
        }
    }
    assert_eq!(counts, [1000, 501, 502]);
    script.gate(None);
}

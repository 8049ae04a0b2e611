//! A short video in every codec, made by the real engine.

use std::collections::BTreeSet;

use crate::house::{house, is_over, sample};
use pipeline::{CodecState, Viewer};
use plan::{LazyCodec, SegmentKey};
use store::metadata::{State, VideoRow};

#[tokio::test]
async fn hevc_and_av1_are_listed_after_they_were_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let house = house(&folder.path().join("data")).await;
    let video = house.upload(sample(folder.path(), 5)).await;
    let row = house.until(video, is_over).await;
    assert_eq!((row.state, &row.error), (State::Ready, &None));
    let master = async |row: &VideoRow| {
        let plan = house.pipeline.videos().plan_of(row).await.unwrap().unwrap();
        let averages = &row.average_bandwidth;
        let texts = [
            manifests::hls::master(&plan, averages),
            manifests::dash::mpd(&plan, averages),
        ];
        let is_listed = |codec: &&str| texts.iter().all(|text| text.contains(codec));
        let codecs = ["avc1.", "hvc1.", "av01.", "mp4a.", "opus"].into_iter();
        codecs.filter(is_listed).collect::<BTreeSet<_>>()
    };
    assert_eq!(master(&row).await, BTreeSet::from(["avc1.", "mp4a."]));
    for codec in LazyCodec::ALL {
        house
            .pipeline
            .videos()
            .add_codec(video, codec)
            .await
            .unwrap();
    }
    let has_nothing_left = |row: &VideoRow| row.whole_plan == row.current_plan;
    let row = house.until(video, has_nothing_left).await;
    assert_eq!(master(&row).await.len(), 5);
    let states = house.pipeline.videos().codecs(&row).await.unwrap();
    assert!(states.iter().all(|(_, state)| *state == CodecState::Listed));
    let plan = house
        .pipeline
        .videos()
        .plan_of(&row)
        .await
        .unwrap()
        .unwrap();
    for lazy in &plan.lazy {
        for rendition in lazy.ids() {
            for index in 0..plan.segments() {
                let key = SegmentKey {
                    video,
                    rendition,
                    index,
                };
                let delivered = house
                    .pipeline
                    .playback()
                    .segment(key, Viewer::default())
                    .await;
                assert!(delivered.unwrap().made_in.is_zero(), "{rendition} {index}");
            }
        }
    }
    house.pipeline.stop().await;
}

//! Trick play: a viewer winds through a video.

use std::time::Duration;

use super::support::{Script, house_with};
use pipeline::Viewer;
use plan::{RenditionId, SegmentKey};
use store::{Event, Received};

/// A winding viewer asks for single pictures at any place: neither sound nor the next pictures are made ahead.
#[tokio::test]
async fn who_winds_gets_the_pictures_that_they_ask_for_and_nothing_else_is_made() {
    let folder = tempfile::tempdir().unwrap();
    let script = Script::of(600);
    let rest = Duration::from_secs(3600);
    let house = house_with(folder.path(), &script, |config| config.lull = rest).await;
    let video = house.upload().await;
    let (_, plan) = house.until_playable(video).await;
    let trick_play = plan.trick_play.as_ref().unwrap().id;
    let ask = async |rendition: RenditionId, index: u32| {
        let key = SegmentKey {
            video,
            rendition,
            index,
        };
        let viewer = Viewer::default();
        house.pipeline.playback().note_served(key, &viewer);
        house
            .pipeline
            .playback()
            .segment(key, viewer)
            .await
            .unwrap()
    };
    let wound = [100, 40, 120];
    for index in wound {
        ask(trick_play, index).await;
    }
    // A viewer who watches is followed; by the time that viewer's last segment is made, the window has handled
    // everything before.
    let mut events = house.stores.events.subscribe().await.unwrap();
    ask(plan.video[1].id, 60).await;
    let last = (plan.video[1].id, 66);
    loop {
        match events.next().await {
            Received::Event(Event::SegmentStored { key, .. })
                if (key.rendition, key.index) == last =>
            {
                break;
            }
            Received::Closed => panic!("the pipeline is gone"),
            _ => {}
        }
    }
    let stored = house.segments(video).await;
    let of = |rendition: RenditionId| {
        let keys = stored.keys().filter(move |(id, _)| *id == rendition);
        keys.map(|(_, index)| *index).collect::<Vec<_>>()
    };
    assert_eq!(of(trick_play), [40, 100, 120]);
    let sound = of(plan.audio[0].id);
    assert!(
        wound.iter().all(|index| !sound.contains(index)),
        "{sound:?}"
    );
}

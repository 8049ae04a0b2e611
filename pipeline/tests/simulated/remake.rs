//! Remakes: videos that an older version has made are made again.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use pipeline::{Remake, RemakeError, Viewer};
use plan::{LazyCodec, MEDIA_GENERATION, Plan, RenditionId, RenditionKey, SegmentKey, VideoId};
use store::local::Local;
use store::metadata::{State, VideoRow, videos};
use store::{Layout, ObjectKey, Prefix, SystemClock};

use super::support::{Fault, House, Script, house};

const SECONDS: i64 = 20;

fn is_whole(row: &VideoRow) -> bool {
    row.state == State::Ready && !row.is_unfinished()
}

impl House {
    async fn current(&self, video: VideoId) -> Arc<Plan> {
        let row = self.row(video).await;
        self.pipeline.videos().plan_of(&row).await.unwrap().unwrap()
    }

    async fn remake_of(&self, video: VideoId) -> Remake {
        let row = self.row(video).await;
        self.pipeline
            .videos()
            .remake_of(&row)
            .await
            .unwrap()
            .unwrap()
    }

    /// Turns a video into one of the generation before: its renditions get ids that the current version would not plan.
    async fn age(&self, video: VideoId) {
        let row = self.row(video).await;
        let plan = self.current(video).await;
        let objects = &self.stores.objects;
        let mut json = serde_json::to_string(&*plan).unwrap();
        let mut averages = BTreeMap::new();
        for id in plan.every_media() {
            let aged = RenditionId::new(id.name(), &[7; 32]);
            json = json.replace(&id.to_string(), &aged.to_string());
            averages.insert(aged, row.average_bandwidth[&id]);
            let (from, to) = (
                RenditionKey {
                    video,
                    rendition: id,
                },
                RenditionKey {
                    video,
                    rendition: aged,
                },
            );
            let mut keys = vec![(ObjectKey::Init(from), ObjectKey::Init(to))];
            for index in 0..plan.segments() {
                let key = |rendition| {
                    ObjectKey::Segment(SegmentKey {
                        video,
                        rendition,
                        index,
                    })
                };
                keys.push((key(id), key(aged)));
            }
            for (from, to) in keys {
                let bytes = store::objects::get(&**objects, &from).await.unwrap();
                objects.put_if_absent(&to, bytes).await.unwrap();
                objects.delete(&[from]).await.unwrap();
            }
        }
        let of_now = format!("\"generation\":{MEDIA_GENERATION}");
        assert!(json.contains(&of_now));
        let json = json.replace(&of_now, &format!("\"generation\":{}", MEDIA_GENERATION - 1));
        let hash = "0ld".to_owned();
        let key = ObjectKey::Plan {
            video,
            hash: hash.clone(),
        };
        objects.put_if_absent(&key, json.into()).await.unwrap();
        let aged = |row: &mut VideoRow| {
            row.plans.truncate(1);
            row.plans[0].hash.clone_from(&hash);
            row.plans[0].retired_at_us = None;
            row.current_plan = Some(hash.clone());
            row.whole_plan = Some(hash.clone());
            row.average_bandwidth = averages.clone();
            true
        };
        videos::change(self.stores.metadata.videos(), &video, aged)
            .await
            .unwrap();
    }
}

/// Opens a house with a video that an older version has made.
async fn with_old(folder: &Path, script: &Arc<Script>) -> (House, VideoId) {
    let before = house(folder, &Script::of(SECONDS)).await;
    let video = before.upload().await;
    before.until(video, is_whole).await;
    before.pipeline.stop().await;
    before.age(video).await;
    drop(before);
    (house(folder, script).await, video)
}

#[tokio::test]
async fn what_comes_stands_in_the_place_of_what_was_once_it_is_whole() {
    let folder = tempfile::tempdir().unwrap();
    let script = Script::of(SECONDS);
    let (house, video) = with_old(folder.path(), &script).await;
    let old = house.current(video).await;
    let Remake::Older { bytes } = house.remake_of(video).await else {
        panic!("it is older");
    };
    let stored: usize = house
        .segments(video)
        .await
        .values()
        .map(|bytes| bytes.len())
        .sum();
    assert!(bytes > 0 && bytes <= stored as u64);

    script.gate(Some(3));
    house.pipeline.videos().remake(video).await.unwrap();
    script.until_waiting(1).await;
    let meanwhile = house.current(video).await;
    // Players get the old renditions meanwhile, also when a codec is added.
    assert_eq!(
        (&meanwhile.video, &meanwhile.audio),
        (&old.video, &old.audio)
    );
    assert_eq!(house.row(video).await.state, State::Ready);
    assert!(matches!(
        house.remake_of(video).await,
        Remake::Pending { .. }
    ));
    // Asking a second time changes nothing.
    house.pipeline.videos().remake(video).await.unwrap();
    house
        .pipeline
        .videos()
        .add_codec(video, LazyCodec::Hevc)
        .await
        .unwrap();
    script.gate(None);
    let row = house.until(video, is_whole).await;

    let plan = house.current(video).await;
    assert_eq!(house.remake_of(video).await, Remake::Current);
    assert!(
        plan.every_media()
            .all(|id| plan.is_of_this_generation(id) && !old.lists(id))
    );
    assert_eq!(
        (&plan.timeline, &plan.storyboard),
        (&old.timeline, &old.storyboard)
    );
    assert!(
        plan.every_media()
            .all(|id| row.average_bandwidth.contains_key(&id))
    );
    assert_eq!(plan.lazy.len(), 1);
    // A player of the old renditions can play to the end.
    for rendition in old.media_ids() {
        let index = old.segments() - 1;
        let key = SegmentKey {
            video,
            rendition,
            index,
        };
        house
            .pipeline
            .playback()
            .segment(key, Viewer::default())
            .await
            .unwrap();
    }
    house.pipeline.stop().await;
}

#[tokio::test]
async fn a_kill_in_the_middle_is_gone_on_with() {
    let folder = tempfile::tempdir().unwrap();
    let script = Script::of(SECONDS);
    let (first, video) = with_old(folder.path(), &script).await;
    script.gate(Some(5));
    first.pipeline.videos().remake(video).await.unwrap();
    script.until_waiting(1).await;
    first.pipeline.stop().await;
    let stored = first.segments(video).await;
    drop(first);
    script.gate(None);
    let house = house(folder.path(), &script).await;
    house.until(video, is_whole).await;
    assert_eq!(house.remake_of(video).await, Remake::Current);
    let made = script.made();
    let is_made_once =
        |segment: &(RenditionId, u32)| made.get(segment).is_none_or(|times| *times == 1);
    assert!(stored.keys().all(is_made_once));
    house.pipeline.stop().await;
}

#[tokio::test]
async fn without_all_of_its_source_nothing_is_begun() {
    let folder = tempfile::tempdir().unwrap();
    let script = Script::of(SECONDS);
    let (house, video) = with_old(folder.path(), &script).await;
    let row = house.row(video).await;
    store::objects::delete_prefix(&*house.stores.objects, &Prefix::Upload(row.parts[0].upload))
        .await
        .unwrap();
    let refused = house.pipeline.videos().remake(video).await;
    assert!(
        matches!(refused, Err(RemakeError::SourceGone)),
        "{refused:?}"
    );
    assert_eq!(house.row(video).await, row);
    house.pipeline.stop().await;
}

#[tokio::test]
async fn only_what_is_ready_is_made_again() {
    let folder = tempfile::tempdir().unwrap();
    let script = Script::of(SECONDS);
    script.gate(Some(1));
    let house = house(folder.path(), &script).await;
    let video = house.upload().await;
    house.until_playable(video).await;
    let refused = house.pipeline.videos().remake(video).await;
    assert!(matches!(refused, Err(RemakeError::NotReady)), "{refused:?}");
    script.gate(None);
    let row = house.until(video, is_whole).await;
    house.pipeline.videos().remake(video).await.unwrap();
    assert_eq!(house.row(video).await, row, "there is nothing to make");
    house.pipeline.stop().await;
}

/// Good renditions are not replaced by worse ones.
#[tokio::test]
async fn what_lacks_more_than_what_was_does_not_replace_it() {
    let folder = tempfile::tempdir().unwrap();
    let script = Script::of(SECONDS);
    let (house, video) = with_old(folder.path(), &script).await;
    let old = house.current(video).await;
    script.picture_fault(4, Fault::Fails, u32::MAX);
    house.pipeline.videos().remake(video).await.unwrap();
    house.until(video, is_whole).await;
    let plan = house.current(video).await;
    assert_eq!((&plan.video, &plan.audio), (&old.video, &old.audio));
    assert!(matches!(
        house.remake_of(video).await,
        Remake::Failed { .. }
    ));
    // Another try may succeed, and makes no good segment again.
    let good = script.made();
    script.heal();
    house.pipeline.videos().remake(video).await.unwrap();
    house.until(video, is_whole).await;
    assert_eq!(house.remake_of(video).await, Remake::Current);
    let plan = house.current(video).await;
    let sound = plan.audio[0].id;
    assert_eq!(script.made()[&(sound, 0)], good[&(sound, 0)]);
    house.pipeline.stop().await;
}

/// A plan that was replaced a month ago has no players: what only that plan has is deleted, and nothing else.
#[tokio::test]
async fn what_was_replaced_a_month_ago_is_deleted() {
    const MONTH_US: i64 = 30 * 86_400 * 1_000_000;
    let folder = tempfile::tempdir().unwrap();
    let script = Script::of(SECONDS);
    let (first, video) = with_old(folder.path(), &script).await;
    let old = first.current(video).await;
    first.pipeline.videos().remake(video).await.unwrap();
    first.until(video, is_whole).await;
    first.pipeline.stop().await;
    let plan = first.current(video).await;
    drop(first);
    // A minute before the month is over, nothing is deleted.
    for (early_us, left) in [(60_000_000, 3), (0, 1)] {
        let stores =
            Local::open(folder.path(), Layout::Store, Arc::new(SystemClock::new())).unwrap();
        let at_us = stores.clock.now_us() - MONTH_US + early_us;
        let past = |row: &mut VideoRow| {
            let retired = row
                .plans
                .iter_mut()
                .filter(|known| known.retired_at_us.is_some());
            retired.for_each(|known| known.retired_at_us = Some(at_us));
            true
        };
        let before = videos::change(stores.metadata.videos(), &video, past)
            .await
            .unwrap();
        drop(stores);
        assert_eq!(
            before.plans.len(),
            3,
            "what was, with what was to come, and what is"
        );
        let house = house(folder.path(), &script).await;
        let row = house.until(video, |row| row.plans.len() == left).await;
        house.pipeline.stop().await;
        assert_eq!(row.current_plan, before.current_plan);
        let is_there = |id: &RenditionId| row.plans.len() == 3 || plan.lists(*id);
        for id in old.every_media().chain(plan.every_media()) {
            let key = RenditionKey {
                video,
                rendition: id,
            };
            let objects = house.objects(Prefix::Rendition(key)).await;
            assert_eq!(!objects.is_empty(), is_there(&id), "{id}");
        }
        let rendition = plan.storyboard.as_ref().unwrap().id;
        let sheets = house.objects(Prefix::Rendition(RenditionKey { video, rendition }));
        assert!(!sheets.await.is_empty(), "both plans have it");
        assert_eq!(script.made().values().max(), Some(&1));
    }
}

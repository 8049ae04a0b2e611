//! The life of a video in one process that is alone on its stores.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::time::Duration;

use super::storm::clock::FastClock;
use super::support::{Fault, House, Script, assert_made, house, house_at, house_with};
use async_trait::async_trait;
use bytes::Bytes;
use futures::future::join_all;
use pipeline::{Config, DemandError, Purge, Viewer};
use plan::{Code, Plan, RenditionId, SegmentKey, VideoId};
use store::metadata::{Priority, Source, State, VideoRow};
use store::{ObjectKey, Prefix};
use tokio::sync::mpsc;

/// Fault of an engine that another process kills, or that crashes.
const KILLED: Fault = Fault::Dies(9);
const CRASHED: Fault = Fault::Dies(11);

/// Limit of a wait: longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(60);

/// Asserts that every segment of the plan is stored and has the right bytes, except for these fillers.
async fn assert_whole(house: &House, video: VideoId, fillers: &BTreeSet<(RenditionId, u32)>) {
    let row = house.row(video).await;
    assert_eq!((row.state, &row.error), (State::Ready, &None));
    let plan = house
        .pipeline
        .videos()
        .plan_of(&row)
        .await
        .unwrap()
        .unwrap();
    let stored = house.segments(video).await;
    for rendition in plan.media_ids() {
        assert!(row.average_bandwidth.contains_key(&rendition));
        for segment in 0..plan.segments() {
            let made = format!("{rendition} {segment}");
            let is_filler = fillers.contains(&(rendition, segment));
            let expected = if is_filler { "filler" } else { &made };
            let bytes = &stored[&(rendition, segment)];
            assert_eq!(sketch::word(bytes).as_deref(), Some(expected));
        }
    }
    let noted = house.stores.metadata.tries().fillers(&video).await.unwrap();
    assert_eq!(&noted, fillers);
}

fn key(video: VideoId, rendition: RenditionId, index: u32) -> SegmentKey {
    SegmentKey {
        video,
        rendition,
        index,
    }
}

#[tokio::test]
async fn every_segment_is_made_exactly_once() {
    let folder = tempfile::tempdir().unwrap();
    let script = Script::of(300);
    let house = house(folder.path(), &script).await;
    let video = house.upload().await;
    house.until_over(video).await;
    assert_whole(&house, video, &BTreeSet::new()).await;
    let row = house.row(video).await;
    let progress = house.pipeline.videos().progress(&row).await.unwrap();
    assert_eq!(progress.made, progress.total);
    assert!(script.made().values().all(|times| *times == 1));
    house.pipeline.stop().await;
    // Every session has stored a report of what it made.
    let reports = house.objects(Prefix::Video(video)).await;
    let is_report = |key: &&ObjectKey| matches!(key, ObjectKey::Report { .. });
    assert!(reports.iter().any(|key| is_report(&key)));
}

#[tokio::test]
async fn two_hundred_viewers_of_one_cold_segment_cause_one_encode() {
    let folder = tempfile::tempdir().unwrap();
    let script = Script::of(600);
    script.gate(Some(50));
    let house = house(folder.path(), &script).await;
    let video = house.upload().await;
    let (_, plan) = house.until_playable(video).await;
    let (picture, sound) = (plan.video[0].id, plan.audio[0].id);
    let asks = (0..200).map(|n| {
        let (pipeline, id) = (
            house.pipeline.clone(),
            if n % 2 == 0 { picture } else { sound },
        );
        async move {
            pipeline
                .playback()
                .segment(key(video, id, 100), Viewer::default())
                .await
                .unwrap()
                .bytes
        }
    });
    let (bodies, ()) = tokio::join!(join_all(asks), async { script.gate(None) });
    assert_eq!(bodies.len(), 200);
    house.until_over(video).await;
    assert_whole(&house, video, &BTreeSet::new()).await;
    let made = script.made();
    assert_eq!((made[&(picture, 100)], made[&(sound, 100)]), (1, 1));
}

#[tokio::test]
async fn a_viewer_is_served_while_everything_else_is_being_encoded() {
    let folder = tempfile::tempdir().unwrap();
    let script = Script::of(2000);
    let house = house(folder.path(), &script).await;
    let video = house.upload().await;
    let (_, plan) = house.until_playable(video).await;
    let id = plan.video[1].id;
    for index in (0..plan.segments()).rev().step_by(7) {
        let delivered = house
            .pipeline
            .playback()
            .segment(key(video, id, index), Viewer::default())
            .await
            .unwrap();
        assert_made(&delivered.bytes, id, index);
    }
    house.until_over(video).await;
    assert_whole(&house, video, &BTreeSet::new()).await;
}

#[tokio::test]
async fn what_follows_is_made_ahead_of_a_viewer() {
    let folder = tempfile::tempdir().unwrap();
    let script = Script::of(600);
    let house = house(folder.path(), &script).await;
    let video = house.upload().await;
    let (_, plan) = house.until_playable(video).await;
    let id = plan.video[0].id;
    let mut events = house.stores.events.subscribe().await.unwrap();
    // The background makes the end last, so segments made there are made for the viewer.
    let at = plan.segments() - 10;
    house
        .pipeline
        .playback()
        .segment(key(video, id, at), Viewer::default())
        .await
        .unwrap();
    let ahead = async {
        loop {
            if let store::Received::Event(store::Event::SegmentStored { key, .. }) =
                events.next().await
                && (key.rendition, key.index) == (id, at + 6)
            {
                return;
            }
        }
    };
    tokio::time::timeout(PATIENCE, ahead)
        .await
        .expect("the segments are made in time");
}

#[tokio::test]
async fn who_seeks_away_is_served_by_the_engine_that_was_at_what_they_left() {
    let folder = tempfile::tempdir().unwrap();
    let script = Script::of(600);
    script.gate(Some(20));
    let house = house(folder.path(), &script).await;
    let video = house.upload().await;
    let (_, plan) = house.until_playable(video).await;
    let id = plan.video[0].id;
    // One engine, the background's, waits at the gate.
    script.until_waiting(1).await;
    script.bog(100);
    tokio::select! {
        left = house.pipeline.playback().segment(key(video, id, 100), Viewer::default()) => panic!("made: {left:?}"),
        () = script.until_waiting(2) => {}
    }
    let engines = script.engines();
    let asked = house
        .pipeline
        .playback()
        .segment(key(video, id, 140), Viewer::default());
    let (delivered, ()) = tokio::join!(asked, async { script.gate(None) });
    assert_made(&delivered.unwrap().bytes, id, 140);
    assert_eq!(script.engines(), engines);
    assert!(!script.made().contains_key(&(id, 100)));
}

fn viewer(address: u8) -> Viewer {
    Viewer {
        network: Some(IpAddr::from([192, 0, 2, address]).into()),
        ..Viewer::default()
    }
}

#[tokio::test]
async fn nobody_has_more_than_their_share_while_others_wait() {
    let folder = tempfile::tempdir().unwrap();
    let script = Script::of(600);
    script.gate(Some(20));
    let house = house(folder.path(), &script).await;
    let video = house.upload().await;
    let (_, plan) = house.until_playable(video).await;
    let id = plan.video[0].id;
    let ask = |index, address| {
        let pipeline = house.pipeline.clone();
        async move {
            pipeline
                .playback()
                .segment(key(video, id, index), viewer(address))
                .await
        }
    };
    let other = tokio::spawn(ask(50, 2));
    let greedy = std::cell::RefCell::new(Vec::new());
    // A refused request is answered at once; an accepted one waits.
    let is_refused = async || {
        let index = 100 + greedy.borrow().len() as u32;
        let mut asked = tokio::spawn(ask(index, 1));
        let moment = Duration::from_millis(50);
        let answer = tokio::time::timeout(moment, &mut asked).await;
        let is_refused = matches!(answer, Ok(Ok(Err(DemandError::NotReady))));
        greedy.borrow_mut().extend((!is_refused).then_some(asked));
        is_refused
    };
    let until = async |wanted| while is_refused().await != wanted {};
    let refused = tokio::time::timeout(PATIENCE, until(true)).await;
    refused.expect("more than a share is refused while somebody else waits");
    other.abort();
    let taken = tokio::time::timeout(PATIENCE, until(false)).await;
    taken.expect("nobody else waits");
}

#[tokio::test]
async fn the_background_rests_while_viewers_are_served_and_a_while_after() {
    let folder = tempfile::tempdir().unwrap();
    let script = Script::of(600);
    let house = house_with(folder.path(), &script, |config| config.lull = 10 * PATIENCE).await;
    let video = house.upload().await;
    let (_, plan) = house.until_playable(video).await;
    let id = plan.video[0].id;
    let mut events = house.stores.events.subscribe().await.unwrap();
    let asked = house
        .pipeline
        .playback()
        .segment(key(video, id, 100), Viewer::default());
    asked.await.unwrap();
    // The last segment that is made ahead of the viewer.
    let last = key(video, id, 106);
    let is_last = |received: &store::Received| matches!(received, store::Received::Event(store::Event::SegmentStored { key, .. }) if *key == last);
    let ahead = async { while !is_last(&events.next().await) {} };
    tokio::time::timeout(PATIENCE, ahead).await.unwrap();
    house.pipeline.stop().await;
    let made = script.made();
    let others = made
        .keys()
        .filter(|(_, segment)| *segment > 1 && !(100..=106).contains(segment));
    assert_eq!(others.count(), 0, "{made:?}");
}

#[tokio::test]
async fn a_session_in_the_background_takes_a_turn_for_who_waits_for_what_it_is_at() {
    let folder = tempfile::tempdir().unwrap();
    let script = Script::of(600);
    script.gate(Some(20));
    let house = house(folder.path(), &script).await;
    let ask = |video, id, index| {
        let pipeline = house.pipeline.clone();
        let asked = async move {
            pipeline
                .playback()
                .segment(key(video, id, index), Viewer::default())
                .await
        };
        tokio::spawn(asked)
    };
    let video = house.upload().await;
    let (_, plan) = house.until_playable(video).await;
    let id = plan.video[0].id;
    // The background's engine is at segment 20.
    script.until_waiting(1).await;
    // Viewers of two other videos have both turns.
    let mut others = Vec::new();
    for waiting in [2, 3] {
        let other = house.upload().await;
        house.until_playable(other).await;
        others.push(ask(other, id, 30));
        script.until_waiting(waiting).await;
    }
    let asked = ask(video, id, 20);
    script.until_held(1).await;
    // The background's engine could go on now, if it had a turn.
    script.gate(Some(25));
    script.gate(None);
    for segment in others.into_iter().chain([asked]) {
        segment.await.unwrap().unwrap();
    }
    let order = script.order();
    let position = |segment| order.iter().position(|made| *made == segment);
    assert!(position(30) < position(20), "{order:?}");
}

#[tokio::test]
async fn a_session_that_rests_makes_room_for_viewers_of_another_video() {
    let folder = tempfile::tempdir().unwrap();
    let script = Script::of(120);
    let house = house_with(folder.path(), &script, |config| {
        config.memory_bytes = 1;
        config.lull = Duration::from_secs(1);
        config.window_idle = Duration::ZERO;
    });
    let house = house.await;
    // The background's engine comes to the last segment of a chunk.
    script.gate(Some(12));
    let video = house.upload().await;
    let (_, plan) = house.until_playable(video).await;
    assert_eq!(plan.chunk_segments(2).1, 13);
    let other = house.upload().await;
    house.until_playable(other).await;
    script.until_waiting(1).await;
    until_marked(&house, key(video, plan.video[0].id, 12)).await;
    let ask = |video, id, index| {
        house
            .pipeline
            .playback()
            .segment(key(video, id, index), Viewer::default())
    };
    // The order ends, and the session pauses, since a viewer was just served.
    let picture = ask(video, plan.video.last().unwrap().id, 12);
    let (picture, ()) = tokio::join!(picture, async { script.gate(None) });
    picture.unwrap();
    ask(video, plan.audio[0].id, 12).await.unwrap();
    ask(other, plan.video[0].id, 20).await.unwrap();
}

#[tokio::test]
async fn a_killed_engine_costs_nothing_but_what_was_in_its_hands() {
    let folder = tempfile::tempdir().unwrap();
    let script = Script::of(120);
    for segment in [0, 1, 2, 5, 9, 20] {
        script.picture_fault(segment, KILLED, 2);
    }
    let house = house(folder.path(), &script).await;
    let video = house.upload().await;
    house.until_over(video).await;
    assert_whole(&house, video, &BTreeSet::new()).await;
}

#[tokio::test]
async fn a_segment_that_fails_three_times_becomes_a_filler_and_no_other_does() {
    for fault in [Fault::Fails, CRASHED] {
        let folder = tempfile::tempdir().unwrap();
        let script = Script::of(60);
        script.picture_fault(4, fault, u32::MAX);
        script.sound_fault(7, fault, u32::MAX);
        script.picture_fault(9, fault, 2);
        let house = house(folder.path(), &script).await;
        let video = house.upload().await;
        let row = house.until_over(video).await;
        let plan = house
            .pipeline
            .videos()
            .plan_of(&row)
            .await
            .unwrap()
            .unwrap();
        let pictures = plan.pictures().map(|v| (v.id, 4));
        let fillers = pictures.chain([(plan.audio[0].id, 7)]).collect();
        assert_whole(&house, video, &fillers).await;
        let span = |segment| {
            let (start, end) = plan.timeline.segment_frames(segment);
            Some((plan.timeline.frame_us(start), plan.timeline.frame_us(end)))
        };
        let spans: Vec<_> = row.notes.iter().map(|w| w.span_us).collect();
        assert_eq!(spans, [span(4), span(7)]);
    }
}

#[tokio::test]
async fn a_viewer_of_a_poisoned_segment_gets_its_filler() {
    let folder = tempfile::tempdir().unwrap();
    let script = Script::of(600);
    let house = house(folder.path(), &script).await;
    let video = house.upload().await;
    let (_, plan) = house.until_playable(video).await;
    let (id, at) = (plan.video[0].id, plan.segments() - 2);
    script.picture_fault(at, CRASHED, u32::MAX);
    let delivered = house
        .pipeline
        .playback()
        .segment(key(video, id, at), Viewer::default())
        .await
        .unwrap();
    assert_eq!(sketch::word(&delivered.bytes).unwrap(), "filler");
}

#[tokio::test]
async fn a_place_at_which_engines_keep_vanishing_is_filled_in_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let script = Script::of(60);
    script.picture_fault(6, KILLED, u32::MAX);
    let house = house(folder.path(), &script).await;
    let video = house.upload().await;
    let row = house.until_over(video).await;
    let plan = house
        .pipeline
        .videos()
        .plan_of(&row)
        .await
        .unwrap()
        .unwrap();
    let fillers = plan.pictures().map(|v| (v.id, 6)).collect();
    assert_whole(&house, video, &fillers).await;
}

#[tokio::test]
async fn a_video_that_is_mostly_filler_fails() {
    let folder = tempfile::tempdir().unwrap();
    let script = Script::of(40);
    for segment in 0..40 {
        script.picture_fault(segment, Fault::Fails, u32::MAX);
        script.sound_fault(segment, Fault::Fails, u32::MAX);
    }
    let house = house(folder.path(), &script).await;
    let video = house.upload().await;
    let row = house.until_over(video).await;
    assert_eq!(row.state, State::Failed);
    assert_eq!(row.error.unwrap().code, Code::Corrupt);
}

#[tokio::test]
async fn a_video_without_a_good_poster_is_ready_with_a_note() {
    let folder = tempfile::tempdir().unwrap();
    let script = Script::of(10);
    script.poster_fails();
    let house = house(folder.path(), &script).await;
    let video = house.upload().await;
    let row = house.until_over(video).await;
    assert_whole(&house, video, &BTreeSet::new()).await;
    let codes: Vec<_> = row.notes.iter().map(|note| note.code).collect();
    assert_eq!(codes, [Code::Corrupt], "what the engine said");
}

#[tokio::test]
async fn after_a_restart_only_what_was_in_flight_is_made_again() {
    let folder = tempfile::tempdir().unwrap();
    let script = Script::of(120);
    let mut video = None;
    for gate in [3, 8, 13, 21] {
        script.gate(Some(gate));
        let house = house(folder.path(), &script).await;
        let id = match video {
            Some(id) => id,
            None => *video.insert(house.upload().await),
        };
        let (_, plan) = house.until_playable(id).await;
        until_made_up_to(&house, id, &plan, gate).await;
        house.pipeline.stop().await;
    }
    script.gate(None);
    let house = house(folder.path(), &script).await;
    let video = video.unwrap();
    house.until_over(video).await;
    assert_whole(&house, video, &BTreeSet::new()).await;
    // Stored segments were not made again; a stop loses one order of a session at most.
    let again: u32 = script.made().values().map(|times| times - 1).sum();
    assert!(again <= 4 * 8, "{again} segments were made again");
}

/// Waits until the background has left a mark at a segment: the session knows then that it is there.
async fn until_marked(house: &House, segment: SegmentKey) {
    let tries = house.stores.metadata.tries();
    let marked = async {
        while !tries.get(&segment).await.unwrap().marked {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, marked)
        .await
        .expect("the background comes to the segment");
}

/// Waits until the lowest rung is stored up to a segment.
async fn until_made_up_to(house: &House, video: VideoId, plan: &Arc<Plan>, gate: u32) {
    let mut events = house.stores.events.subscribe().await.unwrap();
    let lowest = plan.video.last().unwrap().id;
    let reached = async {
        while !house
            .segments(video)
            .await
            .contains_key(&(lowest, gate - 1))
        {
            events.next().await;
        }
    };
    let patience = std::time::Duration::from_secs(60);
    tokio::time::timeout(patience, reached)
        .await
        .expect("the segments are made in time");
}

#[tokio::test]
async fn deletion_in_the_middle_of_it_all_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let script = Script::of(600);
    script.gate(Some(20));
    let house = house(folder.path(), &script).await;
    let video = house.upload().await;
    let (row, plan) = house.until_playable(video).await;
    until_made_up_to(&house, video, &plan, 2).await;
    let upload = row.parts[0].upload;
    house.pipeline.videos().delete(video).await.unwrap();
    script.gate(None);
    house.pipeline.stop().await;
    assert!(house.pipeline.videos().get(video).await.unwrap().is_none());
    let asked = house
        .pipeline
        .playback()
        .segment(key(video, plan.video[0].id, 0), Viewer::default())
        .await;
    assert!(matches!(asked, Err(DemandError::NotFound)));
    assert_eq!(house.objects(Prefix::Upload(upload)).await, []);
    // A put that was under way may have come after the sweep, so the next start sweeps again.
    let stores = house.stores.clone();
    drop(house);
    drop(stores);
    let again = super::support::house(folder.path(), &script).await;
    let swept = async {
        while !again.objects(Prefix::Video(video)).await.is_empty() {
            tokio::task::yield_now().await;
        }
    };
    let patience = std::time::Duration::from_secs(60);
    tokio::time::timeout(patience, swept)
        .await
        .expect("the objects are swept");
}

/// A cache that fails at first, and then reports which videos it was told to purge.
struct FrontCache {
    failures: AtomicU32,
    told: mpsc::UnboundedSender<VideoId>,
}

#[async_trait]
impl Purge for FrontCache {
    async fn purge(&self, video: VideoId) -> Result<(), String> {
        let more = |left: u32| left.checked_sub(1);
        if self.failures.fetch_update(SeqCst, SeqCst, more).is_ok() {
            return Err("away".to_owned());
        }
        self.told.send(video).map_err(|error| error.to_string())
    }
}

#[tokio::test]
async fn a_cache_in_front_is_told_of_a_deletion_and_once_more_and_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let script = Script::of(4);
    let (told, mut heard) = mpsc::unbounded_channel();
    let cache = Arc::new(FrontCache {
        failures: AtomicU32::new(3),
        told,
    });
    let clock = Arc::new(FastClock::new(60));
    let open = async || {
        let set = |config: &mut Config| config.purge = Some(cache.clone());
        house_at(folder.path(), &script, clock.clone(), set).await
    };
    let house = open().await;
    let (kept, gone) = (house.upload().await, house.upload().await);
    house.pipeline.videos().delete(gone).await.unwrap();
    for _ in 0..2 {
        assert_eq!(heard.recv().await, Some(gone));
    }
    house.until_over(kept).await;
    house.pipeline.stop().await;
    drop(house);
    let house = open().await;
    assert_eq!(heard.recv().await, Some(gone));
    house.pipeline.stop().await;
}

#[tokio::test]
async fn an_upload_into_a_deleted_video_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let script = Script::of(10);
    let house = house(folder.path(), &script).await;
    let owner = house.stores.ids.owner();
    let created =
        house
            .pipeline
            .uploads()
            .create(owner, "Gone".into(), None, Priority::Interactive);
    let (row, mut writer) = created.await.unwrap();
    house.pipeline.videos().delete(row.id).await.unwrap();
    writer.write(Bytes::from_static(b"late")).await.unwrap();
    assert!(writer.finish().await.is_err());
    assert_eq!(house.row(row.id).await.state, State::Deleted);
}

#[tokio::test]
async fn a_full_disk_stops_a_video_which_goes_on_by_itself_when_there_is_space() {
    let folder = tempfile::tempdir().unwrap();
    let script = Script::of(120);
    script.gate(Some(4));
    let clock = Arc::new(FastClock::new(20));
    let house = house_at(folder.path(), &script, clock, |_| {}).await;
    let begun = house.upload().await;
    let (_, plan) = house.until_playable(begun).await;
    until_made_up_to(&house, begun, &plan, 2).await;
    house.disk.set_full(true);
    // No video can be started.
    let other = house.upload().await;
    let row = house.until(other, VideoRow::waits_for_space).await;
    assert_eq!(row.source, Source::Complete);
    script.gate(None);
    house.disk.until_refused(20).await;
    // Viewers of stored segments are served, and videos can be deleted.
    let first = SegmentKey {
        video: begun,
        rendition: plan.video[0].id,
        index: 0,
    };
    let served = house
        .pipeline
        .playback()
        .segment(first, Viewer::default())
        .await;
    assert_made(&served.unwrap().bytes, first.rendition, 0);
    assert_eq!(house.row(begun).await.state, State::Playable);
    let deleted = house.upload().await;
    house.pipeline.videos().delete(deleted).await.unwrap();
    house.disk.set_full(false);
    for video in [begun, other] {
        house.until(video, |row| row.state == State::Ready).await;
        assert_whole(&house, video, &BTreeSet::new()).await;
    }
    assert_eq!(house.row(deleted).await.state, State::Deleted);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn short_videos_of_an_owner_come_before_the_rest_of_a_long_one() {
    let folder = tempfile::tempdir().unwrap();
    let script = Script::of(1200);
    let house = house(folder.path(), &script).await;
    house.short_come_before_long(&script).await;
    house.pipeline.stop().await;
}

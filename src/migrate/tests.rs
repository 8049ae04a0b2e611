//! Tests of copies between two data folders. They hold for stores of any kind; `tests/program/migrate.rs` tests copies
//! to and from real servers.

#[path = "../../tests/program/migrate/library.rs"]
mod library;
mod unsteady;

use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use plan::{UploadId, VideoId};
use store::metadata::videos::change;
use store::metadata::{PageRequest, Role, State, VideoRow};
use store::{ImageFormat, ObjectKey, Prefix, Stores};
use tempfile::TempDir;

use super::progress::Progress;
use super::summary::{Summary, VideoCounts};
use super::{Migration, stores};
use library::{Contents, Library, fill, fill_more, ready, segment};
use unsteady::{Event, Unsteady};

/// Source and target in two folders; the source has videos in every state.
struct House {
    from: Stores,
    to: Stores,
    library: Library,
    _folders: [TempDir; 2],
}

async fn house() -> House {
    let folders = [TempDir::new().unwrap(), TempDir::new().unwrap()];
    let open = |folder: &TempDir| stores::local(folder.path()).unwrap();
    let from = open(&folders[0]);
    House {
        library: fill(&from).await,
        from,
        to: open(&folders[1]),
        _folders: folders,
    }
}

impl House {
    async fn migrate(&self) -> anyhow::Result<Summary> {
        migrate(&self.from, &self.to, false).await
    }

    async fn verify(&self) -> anyhow::Result<Summary> {
        migrate(&self.from, &self.to, true).await
    }

    /// Stores of the target in which an event happens at the put of this number.
    fn at_put(&self, number: i64, event: Event) -> (Stores, Arc<Unsteady>) {
        let objects = Arc::new(Unsteady::new(&self.to.objects, number, event));
        let to = Stores {
            objects: objects.clone(),
            ..self.to.clone()
        };
        (to, objects)
    }
}

async fn migrate(from: &Stores, to: &Stores, verify: bool) -> anyhow::Result<Summary> {
    let migration = Migration::new(from.clone(), to.clone(), verify, Progress::hidden());
    migration.run().await
}

fn videos(copied: u64, updated: u64, there: u64) -> VideoCounts {
    VideoCounts {
        copied,
        updated,
        there,
        ..VideoCounts::default()
    }
}

#[tokio::test]
async fn everything_is_copied_and_a_second_run_copies_nothing() {
    let house = house().await;
    let expected = Contents::of(&house.from).await.recovered();
    let first = house.migrate().await.unwrap();
    assert!(Contents::of(&house.to).await == expected);
    assert_eq!(first.videos, videos(4, 0, 0));
    assert_eq!(first.objects, expected.objects.len() as u64);
    assert_eq!((first.owners, first.tokens, first.cut_off), (2, 2, 1));
    for again in [house.migrate().await, house.verify().await] {
        let again = again.unwrap();
        assert_eq!(again.videos, videos(0, 0, 4));
        assert_eq!((again.objects, again.bytes), (0, 0));
        assert_eq!(again.objects_there, first.objects);
        assert_eq!((again.owners, again.tokens), (0, 0));
    }
    assert!(Contents::of(&house.to).await == expected);
}

#[tokio::test]
async fn an_interrupted_migration_continues_where_it_ended() {
    for event in [|| Event::Failure, || Event::Silence] {
        for puts in [0, 1, 9, 25, 40, 60] {
            let house = house().await;
            fill_more(&house.from, house.library.ann, 3).await;
            let (to, unsteady) = house.at_put(puts, event());
            tokio::select! {
                cut = migrate(&house.from, &to, false) => match cut {
                    Ok(cut) => assert!(!cut.is_complete()),
                    Err(cut) => assert!(format!("{cut:#}").contains("run again")),
                },
                () = unsteady.met.notified() => {}
            }
            let whole = count_objects_in_target(&house).await;
            let (to, steady) = house.at_put(i64::MAX, Event::Failure);
            let done = migrate(&house.from, &to, false).await.unwrap();
            let expected = Contents::of(&house.from).await.recovered();
            assert!(Contents::of(&house.to).await == expected);
            let puts = steady.puts.load(Ordering::Relaxed);
            assert_eq!(puts, done.objects);
            // Objects of incomplete videos may be in the target too; they cannot be counted from outside.
            assert!(done.objects_there >= whole);
            assert_eq!(
                done.objects + done.objects_there,
                expected.objects.len() as u64
            );
        }
    }
}

/// Number of objects of the videos whose rows are in the target.
async fn count_objects_in_target(house: &House) -> u64 {
    Contents::of(&house.to).await.objects.len() as u64
}

#[tokio::test]
async fn a_videos_row_appears_only_when_all_of_its_objects_are_copied() {
    let house = house().await;
    let (to, unsteady) = house.at_put(20, Event::Silence);
    tokio::select! {
        _ = migrate(&house.from, &to, false) => panic!("the migration ended although a put never answers"),
        () = unsteady.met.notified() => {}
    }
    let ours = Contents::of(&house.from).await.recovered();
    for (id, row) in Contents::of(&house.to).await.videos {
        assert_eq!(row, ours.videos[&id]);
        let of_video = |key: &ObjectKey| key.video() == Some(id);
        let theirs = Contents::of(&house.to).await.objects;
        for (key, hash) in ours.objects.iter().filter(|(key, _)| of_video(key)) {
            assert_eq!(theirs.get(key), Some(hash));
        }
    }
}

#[tokio::test]
async fn an_object_that_arrives_damaged_is_found() {
    let house = house().await;
    let (to, _) = house.at_put(10, Event::Damage);
    let done = migrate(&house.from, &to, false).await.unwrap();
    assert!(!done.is_complete());
    assert_eq!(done.videos.failed, 1);
    assert_eq!(done.videos.copied, 3);
}

#[tokio::test]
async fn a_published_object_with_other_bytes_fails_its_video_and_is_kept() {
    let house = house().await;
    let key = ObjectKey::Segment(segment(house.library.ready, 11));
    let mut body = library::bytes(&key, 1011);
    body[500] ^= 1;
    house
        .to
        .objects
        .put(&key, body.clone().into())
        .await
        .unwrap();
    let done = house.migrate().await.unwrap();
    assert_eq!((done.videos.failed, done.videos.copied), (1, 3));
    let videos = house.to.metadata.videos();
    assert_eq!(videos.get(&house.library.ready).await.unwrap(), None);
    assert_eq!(kept(&house, &key).await, body);

    // Once the damaged object is deleted, the next run copies the video.
    house
        .to
        .objects
        .delete(std::slice::from_ref(&key))
        .await
        .unwrap();
    assert!(house.migrate().await.unwrap().is_complete());
    // An object that is damaged later is found by any run if its size has changed, else by a run that verifies.
    house.to.objects.put(&key, body.into()).await.unwrap();
    assert!(house.migrate().await.unwrap().is_complete());
    assert_eq!(house.verify().await.unwrap().videos.failed, 1);
    house.to.objects.put(&key, "cut".into()).await.unwrap();
    assert_eq!(house.migrate().await.unwrap().videos.failed, 1);
}

/// Bytes of an object in the target.
async fn kept(house: &House, key: &ObjectKey) -> Bytes {
    store::objects::get(&*house.to.objects, key).await.unwrap()
}

#[tokio::test]
async fn a_new_poster_replaces_the_old_one() {
    let house = house().await;
    house.migrate().await.unwrap();
    let key = ObjectKey::Poster(house.library.ready, ImageFormat::Jpeg);
    for body in [vec![1; 5000], vec![2; 10]] {
        house
            .from
            .objects
            .put(&key, body.clone().into())
            .await
            .unwrap();
        let done = house.migrate().await.unwrap();
        assert_eq!((done.objects, done.videos), (1, videos(0, 0, 4)));
        assert_eq!(kept(&house, &key).await, body);
    }
}

#[tokio::test]
async fn changes_in_the_source_update_the_target() {
    let house = house().await;
    house.migrate().await.unwrap();
    let Library { playable, .. } = house.library;
    let metadata = &house.from.metadata;
    let tries = metadata.tries();
    tries.record_try(&segment(playable, 9)).await.unwrap();
    tries.unmark(&segment(playable, 8)).await.unwrap();
    tries.record_filler(&segment(playable, 9)).await.unwrap();
    library::put(&house.from, ObjectKey::Segment(segment(playable, 9)), 77).await;
    set(&house.from, playable, |row| {
        row.title = "Another".to_owned()
    })
    .await;
    for token in metadata.tokens().list().await.unwrap() {
        metadata.tokens().revoke(&token.id, 99).await.unwrap();
    }
    library::token(&house.from, house.library.ann, "new").await;
    ready(&house.from, house.library.ann, &[100], 3).await;
    metadata.views().add(&house.library.ready, 5).await.unwrap();

    let done = house.migrate().await.unwrap();
    assert_eq!(done.videos, videos(1, 1, 3));
    assert_eq!(done.tokens, 1);
    let expected = Contents::of(&house.from).await.recovered();
    assert!(Contents::of(&house.to).await == expected);
}

async fn set(stores: &Stores, video: VideoId, edit: impl Fn(&mut VideoRow) + Send + Sync) {
    let edit = |row: &mut VideoRow| {
        edit(row);
        true
    };
    let videos = stores.metadata.videos();
    change(videos, &video, edit).await.unwrap();
}

#[tokio::test]
async fn a_video_that_is_newer_in_the_target_is_left_alone() {
    let house = house().await;
    house.migrate().await.unwrap();
    let Library {
        ready, playable, ..
    } = house.library;
    set(&house.to, ready, |row| row.title = "Theirs".to_owned()).await;
    set(&house.to, playable, |row| row.title = "Theirs".to_owned()).await;
    set(&house.from, playable, |row| row.title = "Ours".to_owned()).await;
    let before = Contents::of(&house.to).await;
    let done = house.migrate().await.unwrap();
    assert_eq!((done.videos.newer, done.videos.there), (1, 2));
    // This video's row was changed on both sides; the migration cannot know which is right.
    assert_eq!(done.videos.failed, 1);
    assert!(Contents::of(&house.to).await == before);
}

#[tokio::test]
async fn a_deleted_video_stays_deleted() {
    let house = house().await;
    house.migrate().await.unwrap();
    let Library { ready, deleted, .. } = house.library;
    let delete = |row: &mut VideoRow| {
        row.state = State::Deleted;
        row.deleted_at_us = Some(5);
    };
    set(&house.from, ready, delete).await;
    let done = house.migrate().await.unwrap();
    assert_eq!(done.videos, videos(0, 1, 3));
    let theirs = Contents::of(&house.to).await;
    for video in [ready, deleted] {
        assert_eq!(theirs.videos[&video].state, State::Deleted);
        assert_eq!(theirs.views[&video], 0);
        assert!(theirs.objects.keys().all(|key| key.video() != Some(video)));
        let mut uploads = theirs.uploads.values().filter(|row| row.video == video);
        let upload: UploadId = uploads.next().unwrap().id;
        let its = |key: &ObjectKey| Prefix::Upload(upload).contains(key);
        assert!(!theirs.objects.keys().any(its));
    }
    // A video that was deleted in the target only does not come back, whatever changes in the source.
    set(&house.to, house.library.playable, delete).await;
    for _ in 0..3 {
        assert_eq!(house.migrate().await.unwrap().videos.newer, 1);
        let title = |row: &mut VideoRow| row.title.push('!');
        set(&house.from, house.library.playable, title).await;
    }
    let page = PageRequest::first(10);
    let living = house.to.metadata.videos().list(None, &page).await.unwrap();
    assert_eq!(living.items.len(), 1);
}

#[tokio::test]
async fn an_owner_whose_name_the_target_knows_keeps_the_id_of_the_target() {
    let house = house().await;
    let ann = accounts::owners::find_or_create(&house.to, "ann", Role::Uploader).await;
    let ann = ann.unwrap().id;
    assert_ne!(ann, house.library.ann);
    for expected in [videos(4, 0, 0), videos(0, 0, 4)] {
        assert_eq!(house.migrate().await.unwrap().videos, expected);
    }
    let theirs = Contents::of(&house.to).await;
    assert_eq!(theirs.owners.len(), 2);
    assert!(theirs.videos.values().all(|row| row.owner == ann));
    assert!(theirs.tokens.iter().all(|token| token.owner == ann));
    let of_ann = house.to.metadata.videos();
    let of_ann = of_ann.list(Some(&ann), &PageRequest::first(10)).await;
    assert_eq!(of_ann.unwrap().items.len(), 3);

    // Copied back, every owner has the first id again.
    let back = migrate(&house.to, &house.from, true).await.unwrap();
    // The video whose upload was lost by the first copy is updated.
    assert_eq!(back.videos, videos(0, 1, 3));
    let expected = Contents::of(&house.from).await;
    assert!(
        expected
            .videos
            .values()
            .all(|row| row.owner == house.library.ann)
    );
    assert_eq!(
        expected.videos[&house.library.receiving].state,
        State::Failed
    );
}

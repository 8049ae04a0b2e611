//! Objects that are kept on a nearer disk keep every contract, and are there without their store.

#[macro_use]
#[allow(dead_code, unused_macros, reason = "only objects are kept")]
mod contract;

use std::fs::OpenOptions;
use std::io::{Seek, SeekFrom, Write};
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use plan::{UploadId, VideoId};
use store::local::{Local, OpenError as FolderError};
use store::objects::disk_cache::{DiskCache, OpenError, SMALLEST};
use store::objects::{Layer, get};
use store::{Error, Layout, ObjectKey, ObjectRead, Objects, SystemClock};
use tempfile::TempDir;
use tokio::sync::Barrier;

/// A store, and a folder for a cache before it.
struct House {
    below: Arc<dyn Objects>,
    objects: DiskCache,
    store: TempDir,
    cache: TempDir,
}

async fn cache(below: &Arc<dyn Objects>, folder: &Path) -> Result<DiskCache, OpenError> {
    DiskCache::open(Arc::clone(below), folder, SMALLEST).await
}

async fn house() -> House {
    let (store, folder) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let clock = Arc::new(SystemClock::new());
    let stores = Local::open(store.path(), Layout::Store, clock).unwrap();
    House {
        objects: cache(&stores.objects, folder.path()).await.unwrap(),
        below: stores.objects,
        store,
        cache: folder,
    }
}

objects_hold!(house => &house.objects);

fn segment(video: VideoId, index: u32) -> ObjectKey {
    ObjectKey::Segment(contract::sample::segment(video, index))
}

/// So many bytes that differ from those of other numbers.
fn body(number: u32, length: usize) -> Bytes {
    let mut bytes = vec![0; length];
    fastrand::Rng::with_seed(number.into()).fill(&mut bytes);
    bytes.into()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_read_once_is_there_without_the_store_and_for_the_next_process() {
    let house = house().await;
    let video = VideoId::new();
    for index in 0..20 {
        let put = body(index, 100_000 + index as usize);
        house.below.put(&segment(video, index), put).await.unwrap();
    }
    let read = async |objects: &DiskCache| {
        for index in 0..20 {
            let stored = get(objects, &segment(video, index)).await.unwrap();
            assert_eq!(stored, body(index, 100_000 + index as usize), "{index}");
        }
    };
    read(&house.objects).await;
    assert_eq!(house.objects.hits_and_misses(), (0, 20));
    house.objects.close().await;
    drop(house.objects);
    // The store is empty now, and would say so.
    std::fs::remove_dir_all(house.store.path().join("objects")).unwrap();
    let next = cache(&house.below, house.cache.path()).await.unwrap();
    read(&next).await;
    assert_eq!(next.hits_and_misses(), (20, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_may_change_or_is_nobodys_business_is_not_kept() {
    let house = house().await;
    let poster = ObjectKey::Poster(VideoId::new(), store::ImageFormat::Jpeg);
    let block = contract::sample::block(UploadId::new(), 0);
    for key in [&poster, &block] {
        for text in ["first", "second"] {
            house.below.put(key, text.into()).await.unwrap();
            assert_eq!(get(&house.objects, key).await.unwrap(), text);
        }
    }
    assert_eq!(house.objects.hits_and_misses(), (0, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_never_takes_more_than_it_may() {
    let house = house().await;
    let video = VideoId::new();
    // One and a half times what there is room for.
    let each = 4 << 20;
    let count = u32::try_from(SMALLEST / each * 3 / 2).unwrap();
    for round in 0..2 {
        for index in 0..count {
            let (key, bytes) = (segment(video, index), body(index, each as usize));
            if round == 0 {
                house.below.put(&key, bytes.clone()).await.unwrap();
            }
            assert_eq!(get(&house.objects, &key).await.unwrap(), bytes);
        }
    }
    let files = std::fs::read_dir(house.cache.path()).unwrap();
    let taken: u64 = files
        .map(|file| file.unwrap().metadata().unwrap().len())
        .sum();
    assert!(taken <= SMALLEST + 4096, "{taken}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_damaged_on_disk_is_read_from_the_store() {
    let house = house().await;
    let video = VideoId::new();
    for index in 0..20 {
        let key = segment(video, index);
        house.below.put(&key, body(index, 500_000)).await.unwrap();
        get(&house.objects, &key).await.unwrap();
    }
    house.objects.close().await;
    drop(house.objects);
    for file in std::fs::read_dir(house.cache.path()).unwrap() {
        let mut file = OpenOptions::new()
            .write(true)
            .open(file.unwrap().path())
            .unwrap();
        // Past the lists of what is where.
        for at in (100_000..file.metadata().unwrap().len()).step_by(100_000) {
            file.seek(SeekFrom::Start(at)).unwrap();
            file.write_all(b"damage").unwrap();
        }
    }
    let next = cache(&house.below, house.cache.path()).await.unwrap();
    for index in 0..20 {
        let stored = get(&next, &segment(video, index)).await.unwrap();
        assert_eq!(stored, body(index, 500_000), "{index}");
    }
    let (hits, misses) = next.hits_and_misses();
    assert!(misses > 0, "{hits} {misses}");
}

/// A store whose answers to reads, and to deletions, take until the test has met them twice: at their beginning, when
/// the store has read or deleted, and at their end.
struct Slow {
    below: Arc<dyn Objects>,
    reads: Barrier,
    deletions: Barrier,
}

#[async_trait]
impl Layer for Slow {
    fn below(&self) -> &dyn Objects {
        &*self.below
    }

    async fn read(&self, key: &ObjectKey, range: Option<Range<u64>>) -> Result<ObjectRead, Error> {
        let read = self.below.read(key, range).await;
        self.reads.wait().await;
        self.reads.wait().await;
        read
    }

    async fn delete(&self, keys: &[ObjectKey]) -> Result<(), Error> {
        self.deletions.wait().await;
        self.deletions.wait().await;
        self.below.delete(keys).await
    }
}

/// A cache before a [`Slow`] store, which has one segment.
async fn slow(folder: &Path) -> (Arc<Slow>, Arc<DiskCache>, ObjectKey) {
    let clock = Arc::new(SystemClock::new());
    let stores = Local::open(&folder.join("store"), Layout::Store, clock).unwrap();
    let key = segment(VideoId::new(), 0);
    stores.objects.put(&key, body(0, 1000)).await.unwrap();
    let slow = Arc::new(Slow {
        below: stores.objects,
        reads: Barrier::new(2),
        deletions: Barrier::new(2),
    });
    let below: Arc<dyn Objects> = Arc::clone(&slow) as _;
    let objects = cache(&below, &folder.join("cache")).await.unwrap();
    (slow, Arc::new(objects), key)
}

/// Meets a read, or a deletion, at its beginning and its end.
async fn meet(barrier: &Barrier) {
    barrier.wait().await;
    barrier.wait().await;
}

/// The store is asked, and has no such object.
async fn assert_gone(slow: &Arc<Slow>, objects: &DiskCache, key: &ObjectKey) {
    let slow = Arc::clone(slow);
    let meeting = tokio::spawn(async move { meet(&slow.reads).await });
    let read = get(objects, key).await;
    meeting.abort();
    assert!(matches!(read, Err(Error::NotFound)), "{read:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_read_while_it_is_deleted_is_not_kept() {
    let folder = TempDir::new().unwrap();
    let (slow, objects, key) = slow(folder.path()).await;
    // Deletion begins, somebody reads it to the end, and the store deletes it only then.
    let deletion = async {
        slow.deletions.wait().await;
        let (read, ()) = tokio::join!(get(&*objects, &key), meet(&slow.reads));
        assert_eq!(read.unwrap(), body(0, 1000));
        slow.deletions.wait().await;
    };
    let keys = std::slice::from_ref(&key);
    let (deleted, ()) = tokio::join!(Objects::delete(&*objects, keys), deletion);
    deleted.unwrap();
    assert_gone(&slow, &objects, &key).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_being_read_when_it_was_deleted_is_not_kept() {
    let folder = TempDir::new().unwrap();
    let (slow, objects, key) = slow(folder.path()).await;
    // The store has answered, and deletes it before the answer arrives.
    let deletion = async {
        slow.reads.wait().await;
        let keys = std::slice::from_ref(&key);
        let (deleted, ()) = tokio::join!(Objects::delete(&*objects, keys), meet(&slow.deletions));
        deleted.unwrap();
        slow.reads.wait().await;
    };
    let (read, ()) = tokio::join!(get(&*objects, &key), deletion);
    assert_eq!(read.unwrap(), body(0, 1000));
    assert_gone(&slow, &objects, &key).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_folder_is_one_processs() {
    let house = house().await;
    let second = cache(&house.below, house.cache.path()).await.err();
    assert!(
        matches!(second, Some(OpenError::Folder(FolderError::Locked { .. }))),
        "{second:?}"
    );
}

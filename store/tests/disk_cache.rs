//! Tests of the disk cache: it keeps every contract, and serves objects without the store behind it.

#[macro_use]
#[allow(
    dead_code,
    unused_macros,
    reason = "only the contract of objects is tested here"
)]
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

/// A store, and a folder for a cache in front of it.
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

/// A body of this length, which differs from those of other numbers.
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
    // The store has lost its objects and would report them as missing.
    std::fs::remove_dir_all(house.store.path().join("objects")).unwrap();
    let next = cache(&house.below, house.cache.path()).await.unwrap();
    read(&next).await;
    assert_eq!(next.hits_and_misses(), (20, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn objects_that_may_change_or_are_private_are_not_cached() {
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
async fn the_cache_never_exceeds_its_size() {
    let house = house().await;
    let video = VideoId::new();
    // The objects have one and a half times the size of the cache.
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
        // The first part of a file is skipped, since it has the cache's index.
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

/// Store whose reads and deletions wait for the test twice: when the store has read or deleted, and before the answer
/// is returned.
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

/// Opens a cache in front of a [`Slow`] store that has one segment.
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

/// Lets a read or a deletion pass both of its waits.
async fn meet(barrier: &Barrier) {
    barrier.wait().await;
    barrier.wait().await;
}

/// Checks that the object is no longer cached: the store is asked, and does not have it.
async fn assert_gone(slow: &Arc<Slow>, objects: &DiskCache, key: &ObjectKey) {
    let slow = Arc::clone(slow);
    let meeting = tokio::spawn(async move { meet(&slow.reads).await });
    let read = get(objects, key).await;
    meeting.abort();
    assert!(matches!(read, Err(Error::NotFound)), "{read:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn objects_read_during_their_deletion_are_not_cached() {
    let folder = TempDir::new().unwrap();
    let (slow, objects, key) = slow(folder.path()).await;
    // A deletion begins, a reader reads the object to the end, and only then the store deletes it.
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
async fn objects_deleted_during_a_read_are_not_cached() {
    let folder = TempDir::new().unwrap();
    let (slow, objects, key) = slow(folder.path()).await;
    // The store has answered a read, and deletes the object before the answer arrives.
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
async fn a_cache_folder_belongs_to_one_process() {
    let house = house().await;
    let second = cache(&house.below, house.cache.path()).await.err();
    assert!(
        matches!(second, Some(OpenError::Folder(FolderError::Locked { .. }))),
        "{second:?}"
    );
}

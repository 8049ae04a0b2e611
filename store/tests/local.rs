//! Tests of the embedded stores: every contract, and the rules for a folder that belongs to one process.

#[macro_use]
mod contract;

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use plan::{UploadId, VideoId};
use store::local::{Local, OpenError};
use store::{Layout, ManualClock, ObjectKey, Stores, SystemClock, Work};
use tempfile::TempDir;

fn open(folder: &Path) -> Result<Stores, OpenError> {
    Local::open(folder, Layout::Store, Arc::new(SystemClock::new()))
}

/// Stores in a temporary folder, which is removed with them.
struct House {
    stores: Stores,
    _folder: TempDir,
}

async fn house() -> House {
    let folder = TempDir::new().unwrap();
    House {
        stores: open(folder.path()).unwrap(),
        _folder: folder,
    }
}

objects_hold!(house => &*house.stores.objects);

#[test]
fn only_its_owner_can_read_a_data_folder() {
    let folder = TempDir::new().unwrap();
    let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
    let data = folder.path().join("data");
    open(&data).unwrap();
    assert_eq!(mode(&data), 0o700);
    // Web servers may read a presentation, but not the rows about it.
    let output = folder.path().join("output");
    std::fs::create_dir(&output).unwrap();
    let before = mode(&output);
    let presentation = output.join("film");
    let clock = Arc::new(SystemClock::new());
    Local::open(&presentation, Layout::Presentation, clock).unwrap();
    assert_eq!(mode(&presentation), before);
    assert_eq!(mode(&presentation.join(".reelmill")), 0o700);
}

#[tokio::test]
async fn a_reader_keeps_what_it_has_opened() {
    let house = house().await;
    let (objects, key) = (
        &house.stores.objects,
        contract::sample::block(UploadId::new(), 0),
    );
    objects.put(&key, vec![1; 9 << 20].into()).await.unwrap();
    let read = objects.read(&key, None).await.unwrap();
    objects.put(&key, vec![2; 9 << 20].into()).await.unwrap();
    assert!(read.bytes().await.unwrap() == vec![1; 9 << 20]);
}
videos_hold!(house => house.stores.metadata.videos());
uploads_hold!(house => house.stores.metadata.uploads());
tries_hold!(house => house.stores.metadata.tries());
views_hold!(house => house.stores.metadata.views());
people_hold!(house => &*house.stores.metadata);
event_log_hold!(house => house.stores.metadata.event_log());
events_hold!(house => &*house.stores.events);

#[tokio::test]
async fn who_falls_behind_is_told_so() {
    let events = store::local::events::LocalEvents::new();
    let backlog = store::local::events::BACKLOG as u64;
    contract::events::who_falls_behind_is_told_so(&events, backlog).await;
}

work_hold!(house => &*house.stores.work);

#[tokio::test]
async fn a_worker_that_was_not_heard_of_for_long_is_gone() {
    let clock = ManualClock::new(1_700_000_000_000_000);
    let work = store::local::work::LocalWork::new(Arc::new(clock.clone()));
    contract::work::workers_hear_of_each_other(&work).await;
    clock.advance(store::work::ALIVE);
    assert!(work.workers().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_presentation_keeps_the_contract_of_objects_too() {
    let folder = TempDir::new().unwrap();
    let clock = Arc::new(SystemClock::new());
    let stores = Local::open(folder.path(), Layout::Presentation, clock).unwrap();
    contract::objects::a_listing_has_its_prefix_and_nothing_else(&*stores.objects).await;

    let init = ObjectKey::Init(contract::sample::picture(VideoId::new()));
    stores.objects.put(&init, "init".into()).await.unwrap();
    let names = std::fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name());
    let mut names: Vec<_> = names.map(|name| name.into_string().unwrap()).collect();
    names.sort();
    assert_eq!(names.len(), 2, "{names:?}");
    assert_eq!(names[0], ".reelmill");
    assert!(names[1].starts_with("v720-"));
}

#[tokio::test]
async fn a_second_process_is_refused_by_name() {
    let folder = TempDir::new().unwrap();
    let stores = open(folder.path()).unwrap();
    let refused = open(folder.path()).err().unwrap();
    assert!(
        matches!(refused, OpenError::Locked { pid: Some(pid), .. } if pid == std::process::id())
    );
    let message = refused.to_string();
    assert!(
        message.contains(folder.path().to_str().unwrap()),
        "{message}"
    );
    assert!(
        message.contains(&format!("pid {}", std::process::id())),
        "{message}"
    );
    drop(stores);
    open(folder.path()).unwrap();
}

#[tokio::test]
async fn what_was_stored_is_there_after_reopening() {
    let folder = TempDir::new().unwrap();
    let upload = contract::sample::upload(VideoId::new(), 1);
    let stores = open(folder.path()).unwrap();
    stores.metadata.uploads().insert(&upload).await.unwrap();
    drop(stores);
    let stores = open(folder.path()).unwrap();
    assert_eq!(
        stores.metadata.uploads().get(&upload.id).await.unwrap(),
        Some(upload)
    );
}

#[tokio::test]
async fn a_database_of_a_newer_reelmill_is_refused() {
    let folder = TempDir::new().unwrap();
    drop(open(folder.path()).unwrap());
    let database = rusqlite::Connection::open(folder.path().join("metadata.sqlite")).unwrap();
    database.pragma_update(None, "user_version", 999).unwrap();
    drop(database);
    assert!(matches!(
        open(folder.path()).err(),
        Some(OpenError::TooNew { found: 999, .. })
    ));
}

#[test]
fn a_folder_that_cannot_be_created_is_named() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "not a folder").unwrap();
    let error = open(&file).err().unwrap().to_string();
    assert!(error.contains(file.to_str().unwrap()), "{error}");
}

#[tokio::test]
async fn free_space_is_known() {
    let folder = TempDir::new().unwrap();
    let stores = open(folder.path()).unwrap();
    assert!(stores.objects.free_bytes().await.unwrap().unwrap() > 0);
}

/// Environment variable with the data folder of the process that is killed.
const FOLDER: &str = "REELMILL_TEST_STORE";
/// Environment variable with the id of the upload that the killed process writes.
const UPLOAD: &str = "REELMILL_TEST_UPLOAD";

/// Not a test, but the process that [`a_killed_writer_leaves_nothing_half_done`] kills.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "runs until it is killed"]
async fn the_writer_that_is_killed() {
    let (Ok(folder), Ok(upload)) = (std::env::var(FOLDER), std::env::var(UPLOAD)) else {
        return;
    };
    let upload: UploadId = upload.parse().unwrap();
    let stores = open(Path::new(&folder)).unwrap();
    let uploads = stores.metadata.uploads();
    // A block is reported only after it is stored, as an origin does.
    let stored = async |index: u32| {
        uploads
            .advance(&upload, u64::from(index) + 1, 0)
            .await
            .unwrap();
    };
    contract::objects::write_until_killed(&*stores.objects, upload, stored).await;
}

#[tokio::test]
async fn a_killed_writer_leaves_nothing_half_done() {
    let folder = TempDir::new().unwrap();
    let mut littered = 0;
    let mut told = 0;
    // At least twelve kills, and then more until they have hit both an unfinished file and a block that the writer
    // had reported.
    for round in 0..240u64 {
        if round >= 12 && littered > 0 && told > 0 {
            break;
        }
        let upload = contract::sample::upload(VideoId::new(), 1);
        let stores = open(folder.path()).unwrap();
        stores.metadata.uploads().insert(&upload).await.unwrap();
        drop(stores);

        let mut writer = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "the_writer_that_is_killed", "--ignored"])
            .env(FOLDER, folder.path())
            .env(UPLOAD, upload.id.to_string())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let block = contract::sample::block(upload.id, 1).path();
        let begun = folder.path().join("objects").join(block);
        let waited = Instant::now();
        while !begun.exists() {
            assert!(
                waited.elapsed() < Duration::from_secs(60),
                "the writer reported no block"
            );
            std::thread::sleep(Duration::from_millis(2));
        }
        std::thread::sleep(Duration::from_millis(round % 12 * 7));
        writer.kill().unwrap();
        writer.wait().unwrap();

        littered += std::fs::read_dir(folder.path().join("tmp"))
            .unwrap()
            .count();
        let stores = open(folder.path()).unwrap();
        assert_eq!(
            std::fs::read_dir(folder.path().join("tmp"))
                .unwrap()
                .count(),
            0
        );
        let row = stores
            .metadata
            .uploads()
            .get(&upload.id)
            .await
            .unwrap()
            .unwrap();
        let said = u32::try_from(row.offset).unwrap();
        told += said;
        contract::objects::what_a_killed_writer_left_is_whole(&*stores.objects, upload.id, said)
            .await;
    }
    // Otherwise the kills came at the wrong moments and proved nothing.
    assert!(
        littered > 0 && told > 0,
        "{littered} temporary files, {told} blocks"
    );
}

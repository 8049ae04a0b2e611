//! The real engine is killed again and again. The test has a program of its own, since it kills every engine that its
//! process has started.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use pipeline::{Config, Pipeline};
use plan::SegmentKey;
use store::local::Local;
use store::metadata::{Priority, State};
use store::{Event, Layout, ObjectKey, Received, SystemClock, objects};
use transcoder::Engine;

/// Limit of a wait: longer than the test takes; a hang is a failure.
const PATIENCE: Duration = Duration::from_secs(240);
/// Kills in `make test`; the variable `KILLS` asks for more.
const KILLS: usize = 8;

/// Kills the engines that are children of this process, and returns their number.
fn kill_engines() -> usize {
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    let numbers = processes.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    let own = std::process::id().to_string();
    let is_ours = |pid: &i32| {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let mut after_name = stat
            .rsplit(')')
            .next()
            .unwrap_or_default()
            .split_whitespace();
        stat.contains("(reelmill-engine") && after_name.nth(1) == Some(&own)
    };
    let engines: Vec<i32> = numbers.filter(is_ours).collect();
    for pid in &engines {
        // An engine that has ended already counts as killed.
        let _ = kill(Pid::from_raw(*pid), Signal::SIGKILL);
    }
    engines.len()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_video_becomes_ready_though_its_engines_are_killed() {
    let kills = std::env::var("KILLS").map_or(KILLS, |kills| kills.parse().unwrap());
    assert!(kills > 0, "KILLS=0 kills nothing");
    let patience = PATIENCE + Duration::from_secs(10) * kills as u32;
    let seconds = 5 * kills;
    let folder = tempfile::tempdir().unwrap();
    let sample = folder.path().join("sample.mp4");
    let made = Command::new("ffmpeg")
        .args([
            "-v",
            "error",
            "-f",
            "lavfi",
            "-i",
            &format!("testsrc2=s=640x360:r=30:d={seconds}"),
            "-f",
            "lavfi",
            "-i",
            &format!("sine=440:d={seconds}:r=48000"),
        ])
        .args([
            "-c:v",
            "libx264",
            "-preset",
            "ultrafast",
            "-g",
            "60",
            "-c:a",
            "aac",
        ])
        .arg(&sample)
        .status();
    assert!(made.unwrap().success());
    let clock = Arc::new(SystemClock::new());
    let stores = Local::open(&folder.path().join("data"), Layout::Store, clock).unwrap();
    let engine = Engine::beside_current().expect("`make build` puts it beside the tests");
    let pipeline = Pipeline::start(stores.clone(), engine, Config::default());
    let pipeline = pipeline.await.unwrap();
    let mut events = stores.events.subscribe().await.unwrap();
    let owner = stores.ids.owner();
    let created = pipeline
        .uploads()
        .create(owner, "Killed".into(), None, Priority::Interactive);
    let (row, mut writer) = created.await.unwrap();
    writer
        .write(std::fs::read(sample).unwrap().into())
        .await
        .unwrap();
    writer.finish().await.unwrap();
    let mut random = fastrand::Rng::with_seed(1);
    let (mut killed, mut patient_for) = (0, 1);
    let mut published = BTreeMap::new();
    let over = async {
        loop {
            match events.next().await {
                Received::Event(Event::SegmentStored { key, .. }) => {
                    let object = ObjectKey::Segment(key);
                    let bytes = objects::get(&*stores.objects, &object).await.unwrap();
                    assert!(published.insert(object, bytes).is_none(), "published twice");
                    patient_for -= 1;
                    if patient_for <= 0 && killed < kills {
                        // The kill comes at a random moment after an event, not at the event itself.
                        let moment = Duration::from_millis(random.u64(0..200));
                        tokio::time::sleep(moment).await;
                        killed += kill_engines();
                        patient_for = random.i32(1..4);
                    }
                }
                Received::Event(Event::VideoChanged {
                    state: State::Ready | State::Failed,
                    ..
                }) => return,
                other => assert_ne!(other, Received::Closed),
            }
        }
    };
    tokio::time::timeout(patience, over)
        .await
        .expect("the video is over in time");
    let row = pipeline.videos().get(row.id).await.unwrap().unwrap();
    assert_eq!(
        (row.state, &row.error, &row.notes),
        (State::Ready, &None, &Vec::new())
    );
    eprintln!("{killed} engines were killed");
    assert!(killed >= kills, "only {killed} engines were killed");
    let fillers = stores.metadata.tries().fillers(&row.id).await.unwrap();
    assert_eq!(fillers, BTreeSet::new());
    let plan = pipeline.videos().plan_of(&row).await.unwrap().unwrap();
    for rendition in plan.media_ids() {
        for index in 0..plan.segments() {
            let key = ObjectKey::Segment(SegmentKey {
                video: row.id,
                rendition,
                index,
            });
            let bytes = objects::get(&*stores.objects, &key).await.unwrap();
            assert!(published.get(&key) == Some(&bytes), "{key:?} has changed");
        }
    }
    pipeline.stop().await;
    assert_eq!(kill_engines(), 0, "an engine outlived the pipeline");
}

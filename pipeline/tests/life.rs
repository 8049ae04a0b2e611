//! A video's life over the embedded stores and the real engine.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use pipeline::{Config, DemandError, Pipeline, SideCarError, Viewer};
use plan::{Code, CueList, RenditionKey, SegmentKey, VideoId};
use store::local::Local;
use store::metadata::{Priority, State, VideoRow};
use store::{Layout, ObjectKey, Prefix, Received, Stores, SystemClock};
use transcoder::Engine;

/// Longer than anything here takes; a hang is a failure, not a wait.
const PATIENCE: Duration = Duration::from_secs(120);

struct House {
    pipeline: Pipeline,
    stores: Stores,
}

async fn house(folder: &Path) -> House {
    let clock = Arc::new(SystemClock::new());
    let stores = Local::open(folder, Layout::Store, clock).unwrap();
    let engine = Engine::beside_current().expect("`make build` puts the engine beside the tests");
    let pipeline = Pipeline::start(stores.clone(), engine, Config::default())
        .await
        .unwrap();
    House { pipeline, stores }
}

fn sample(folder: &Path, seconds: u32) -> Bytes {
    let path = folder.join("sample.mp4");
    let picture = format!("testsrc2=s=320x180:r=30:d={seconds}");
    let sound = format!("sine=440:d={seconds}:r=48000");
    let made = Command::new("ffmpeg")
        .args([
            "-v", "error", "-y", "-f", "lavfi", "-i", &picture, "-f", "lavfi", "-i", &sound,
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
        .arg(&path)
        .status()
        .unwrap();
    assert!(made.success());
    std::fs::read(path).unwrap().into()
}

impl House {
    async fn upload(&self, bytes: Bytes) -> VideoId {
        let owner = self.stores.ids.owner();
        let created =
            self.pipeline
                .create_video(owner, "A title".into(), None, Priority::Interactive);
        let (row, mut writer) = created.await.unwrap();
        writer.write(bytes).await.unwrap();
        writer.finish().await.unwrap();
        row.id
    }

    /// Waits for a state, woken by events.
    async fn until(&self, video: VideoId, wanted: impl Fn(&VideoRow) -> bool) -> VideoRow {
        let mut events = self.stores.events.subscribe().await.unwrap();
        let reached = async {
            loop {
                let row = self
                    .stores
                    .metadata
                    .videos()
                    .get(&video)
                    .await
                    .unwrap()
                    .unwrap();
                if wanted(&row) {
                    return row;
                }
                assert_ne!(events.next().await, Received::Closed);
            }
        };
        tokio::time::timeout(PATIENCE, reached)
            .await
            .expect("the state is reached")
    }
}

fn is_over(row: &VideoRow) -> bool {
    matches!(row.state, State::Ready | State::Failed)
}

#[tokio::test]
async fn an_upload_becomes_playable_and_then_ready() {
    let folder = tempfile::tempdir().unwrap();
    let house = house(&folder.path().join("data")).await;
    let video = house.upload(sample(folder.path(), 6)).await;
    let row = house.until(video, is_over).await;
    assert_eq!((row.state, &row.error), (State::Ready, &None));
    let plan = house.pipeline.plan_of(&row).await.unwrap().unwrap();
    for rendition in plan.media_ids() {
        assert!(row.average_bandwidth.contains_key(&rendition));
        for index in 0..plan.segments() {
            let key = ObjectKey::Segment(SegmentKey {
                video,
                rendition,
                index,
            });
            assert!(
                house.stores.objects.head(&key).await.unwrap().is_some(),
                "{key:?}"
            );
        }
    }
}

#[tokio::test]
async fn a_segment_asked_for_is_made_at_once_and_once() {
    let folder = tempfile::tempdir().unwrap();
    let house = house(&folder.path().join("data")).await;
    let video = house.upload(sample(folder.path(), 40)).await;
    let row = house
        .until(video, |row| row.state == State::Playable || is_over(row))
        .await;
    let plan = house.pipeline.plan_of(&row).await.unwrap().unwrap();
    let rendition = plan.video[0].id;
    let key = SegmentKey {
        video,
        rendition,
        index: plan.segments() - 1,
    };
    let requests = (0..50).map(|_| {
        let pipeline = house.pipeline.clone();
        tokio::spawn(async move {
            pipeline
                .segment(key, Viewer::default())
                .await
                .unwrap()
                .bytes
        })
    });
    let mut bodies = Vec::new();
    for request in requests.collect::<Vec<_>>() {
        bodies.push(request.await.unwrap());
    }
    assert!(bodies.windows(2).all(|pair| pair[0] == pair[1]));
    let beyond = SegmentKey {
        index: plan.segments(),
        ..key
    };
    assert!(matches!(
        house.pipeline.segment(beyond, Viewer::default()).await,
        Err(DemandError::NotFound)
    ));
}

/// Part of a broadcast; `size` at 25 frames, `seconds` from second `at` on.
fn broadcast(folder: &Path, size: &str, at: u32, seconds: u32) -> Vec<u8> {
    let path = folder.join("part.ts");
    let picture = format!("testsrc2=s={size}:r=25:d={seconds}");
    let sound = format!("sine=440:d={seconds}:r=48000");
    let made = Command::new("ffmpeg")
        .args(["-v", "error", "-y", "-f", "lavfi", "-i", &picture])
        .args(["-f", "lavfi", "-i", &sound, "-shortest"])
        .args([
            "-c:v",
            "libx264",
            "-preset",
            "ultrafast",
            "-pix_fmt",
            "yuv420p",
            "-g",
            "25",
        ])
        .args(["-c:a", "mp2", "-output_ts_offset", &at.to_string()])
        .arg(&path)
        .status();
    assert!(made.unwrap().success());
    std::fs::read(path).unwrap()
}

/// Two seconds in the middle are larger than is decoded here, though the head says otherwise.
#[tokio::test]
async fn a_poisoned_stretch_becomes_filler_and_nothing_else_does() {
    let folder = tempfile::tempdir().unwrap();
    let house = house(&folder.path().join("data")).await;
    let part = |size, at, seconds| broadcast(folder.path(), size, at, seconds);
    let parts = [
        part("320x180", 0, 9),
        part("8320x64", 9, 2),
        part("320x180", 11, 13),
    ];
    let video = house.upload(parts.concat().into()).await;
    let row = house.until(video, is_over).await;
    assert_eq!((row.state, &row.error), (State::Ready, &None));
    let plan = house.pipeline.plan_of(&row).await.unwrap().unwrap();
    let tries = house.stores.metadata.tries();
    let fillers = tries.fillers(&video).await.unwrap();
    // Segments start at 0, 1, 2, 4, 8, 12 ...: the one from 8 to 12 s holds the stretch.
    let poisoned = plan.video.iter().map(|rung| (rung.id, 4));
    assert_eq!(fillers, poisoned.collect());
    let [warning] = &row.warnings[..] else {
        panic!("one warning: {:?}", row.warnings)
    };
    assert_eq!(warning.code, Code::LimitDimensions);
    assert_eq!(warning.span_us, Some((8_000_000, 12_000_000)));
}

#[tokio::test]
async fn what_is_no_media_fails_with_its_code() {
    let folder = tempfile::tempdir().unwrap();
    let house = house(&folder.path().join("data")).await;
    let video = house
        .upload(Bytes::from_static(b"a text, not a video"))
        .await;
    let row = house.until(video, is_over).await;
    assert_eq!(row.state, State::Failed);
    assert_eq!(row.error.unwrap().code, Code::NotMedia);
}

#[tokio::test]
async fn a_cut_off_upload_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let house = house(&folder.path().join("data")).await;
    let owner = house.stores.ids.owner();
    let (row, mut writer) = house
        .pipeline
        .create_video(owner, "Cut off".into(), None, Priority::Interactive)
        .await
        .unwrap();
    writer.write(Bytes::from(vec![0; 9 << 20])).await.unwrap();
    let uploads = house
        .stores
        .metadata
        .uploads()
        .list_by_video(&row.id)
        .await
        .unwrap();
    drop(writer);
    let row = house.until(row.id, is_over).await;
    assert_eq!(row.error.unwrap().code, Code::UploadLost);
    let left = || async {
        use futures::TryStreamExt;
        let listing = house
            .stores
            .objects
            .list(&Prefix::Upload(uploads[0].id))
            .await
            .unwrap();
        listing.try_collect::<Vec<_>>().await.unwrap().len()
    };
    // The row says so first; the blocks go right after.
    let swept = async {
        while left().await > 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, swept)
        .await
        .expect("the blocks are gone");
}

#[tokio::test]
async fn a_source_is_read_where_it_lies() {
    let folder = tempfile::tempdir().unwrap();
    sample(folder.path(), 3);
    let clock = Arc::new(SystemClock::new());
    let stores = Local::open(&folder.path().join("out"), Layout::Presentation, clock).unwrap();
    let config = Config {
        source_file: Some(folder.path().join("sample.mp4")),
        ..Config::default()
    };
    let engine = Engine::beside_current().expect("`make build` puts the engine beside the tests");
    let pipeline = Pipeline::start(stores.clone(), engine, config);
    let house = House {
        pipeline: pipeline.await.unwrap(),
        stores,
    };
    let owner = house.stores.ids.owner();
    let begun = house.pipeline.begin_in_place(owner, "In place".into());
    let row = house.until(begun.await.unwrap().id, is_over).await;
    assert_eq!((row.state, &row.error), (State::Ready, &None));
}

fn cues(word: &str) -> CueList {
    let file = format!("1\n00:00:01,000 --> 00:00:02,000\n{word}\n");
    CueList::parse(file.as_bytes()).unwrap()
}

/// The sample with a text track that says `word`.
fn subtitled(folder: &Path, word: &str) -> Bytes {
    sample(folder, 6);
    let file = |name: &str| folder.join(name);
    let text = format!("1\n00:00:01,000 --> 00:00:02,000\n{word}\n");
    std::fs::write(file("word.srt"), text).unwrap();
    let made = Command::new("ffmpeg")
        .args(["-v", "error", "-y", "-i"])
        .arg(file("sample.mp4"))
        .arg("-i")
        .arg(file("word.srt"))
        .args(["-map", "0", "-map", "1", "-c", "copy"])
        .arg(file("subtitled.mkv"))
        .status();
    assert!(made.unwrap().success());
    std::fs::read(file("subtitled.mkv")).unwrap().into()
}

impl House {
    /// What each text of the current plan says, source first.
    async fn said(&self, video: VideoId) -> Vec<String> {
        let row = self.pipeline.video(video).await.unwrap().unwrap();
        let plan = self.pipeline.plan_of(&row).await.unwrap().unwrap();
        let mut said = Vec::new();
        for text in plan.texts() {
            let rendition = text.id;
            let key = RenditionKey { video, rendition };
            let list = self.pipeline.cues(key).await.unwrap();
            said.push(list.cues[0].text.clone());
        }
        said
    }

    async fn put(&self, video: VideoId, language: &str, word: &str) -> Result<bool, SideCarError> {
        let cues = cues(word);
        let put = self.pipeline.put_side_car(video, language, language, &cues);
        put.await
    }
}

#[tokio::test]
async fn the_sources_text_and_files_beside_it_come_in_any_order() {
    let folder = tempfile::tempdir().unwrap();
    let house = house(&folder.path().join("data")).await;
    let video = house.upload(subtitled(folder.path(), "source")).await;
    // The source's text is not extracted yet, most likely.
    let begun = |row: &VideoRow| row.state == State::Playable || is_over(row);
    house.until(video, begun).await;
    assert!(house.put(video, "de", "early").await.unwrap());
    let row = house.until(video, is_over).await;
    assert_eq!((row.state, &row.error), (State::Ready, &None));
    assert_eq!(house.said(video).await, ["source", "early"]);
    assert!(house.put(video, "fr", "late").await.unwrap());
    assert!(!house.put(video, "de", "other").await.unwrap());
    assert_eq!(house.said(video).await, ["source", "other", "late"]);
    house.pipeline.remove_side_car(video, "de").await.unwrap();
    let again = house.pipeline.remove_side_car(video, "de").await;
    assert!(matches!(again, Err(SideCarError::NotFound)));
    assert_eq!(house.said(video).await, ["source", "late"]);
    let row = house.pipeline.video(video).await.unwrap().unwrap();
    assert_eq!(
        (row.state, &row.whole_plan),
        (State::Ready, &row.current_plan)
    );
}

#[tokio::test]
async fn of_files_that_come_at_once_none_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    let house = house(&folder.path().join("data")).await;
    let video = house.upload(subtitled(folder.path(), "source")).await;
    let begun = |row: &VideoRow| row.state == State::Playable || is_over(row);
    house.until(video, begun).await;
    let languages = ["cs", "da", "de", "el", "en", "es", "fi", "fr"];
    let put = |language| house.put(video, language, language);
    let done = futures::future::join_all(languages.map(put)).await;
    assert!(done.iter().all(|new| matches!(new, Ok(true))), "{done:?}");
    house.until(video, is_over).await;
    let mut said = house.said(video).await;
    assert_eq!(said.remove(0), "source");
    said.sort();
    assert_eq!(said, languages);
}

//! The life of a video over the embedded stores and the real engine.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use crate::house::{House, PATIENCE, house, is_over, sample};
use bytes::Bytes;
use pipeline::{Config, DemandError, Pipeline, Viewer};
use plan::{Code, Plan, RenditionId, SegmentKey, VideoId};
use store::local::Local;
use store::metadata::{Priority, State, VideoRow};
use store::{Layout, ObjectKey, Prefix, SystemClock};
use transcoder::Engine;

#[tokio::test]
async fn an_upload_becomes_playable_and_then_ready() {
    let folder = tempfile::tempdir().unwrap();
    let house = house(&folder.path().join("data")).await;
    let video = house.upload(sample(folder.path(), 6)).await;
    let row = house.until(video, is_over).await;
    assert_eq!((row.state, &row.error), (State::Ready, &None));
    let plan = house
        .pipeline
        .videos()
        .plan_of(&row)
        .await
        .unwrap()
        .unwrap();
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
    let plan = house
        .pipeline
        .videos()
        .plan_of(&row)
        .await
        .unwrap()
        .unwrap();
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
                .playback()
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
        house
            .pipeline
            .playback()
            .segment(beyond, Viewer::default())
            .await,
        Err(DemandError::NotFound)
    ));
}

/// Makes a part of a broadcast: pictures of this size at 25 frames a second, `seconds` long, from second `at` on.
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

/// Two seconds in the middle have larger pictures than the limit allows, although the header says otherwise.
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
    let plan = house
        .pipeline
        .videos()
        .plan_of(&row)
        .await
        .unwrap()
        .unwrap();
    let tries = house.stores.metadata.tries();
    let fillers = tries.fillers(&video).await.unwrap();
    // Segments start at 0, 1, 2, 4, 8, 12 ... seconds: the segment from 8 to 12 s contains the large pictures.
    let poisoned = plan.video.iter().map(|rung| (rung.id, 4));
    assert_eq!(fillers, poisoned.collect());
    let [note] = &row.notes[..] else {
        panic!("one note: {:?}", row.notes)
    };
    assert_eq!(note.code, Code::LimitDimensions);
    assert_eq!(note.span_us, Some((8_000_000, 12_000_000)));
}

#[tokio::test]
async fn damage_that_can_be_watched_is_a_note_with_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let house = house(&folder.path().join("data")).await;
    let mut bytes = broadcast(folder.path(), "320x180", 0, 24);
    // Damages a part of each packet (188 bytes, ISO/IEC 13818-1) in half a second, ten seconds in: within the segment
    // from 8 to 12 s.
    let packets = bytes.len() / 188;
    let hit = packets * 40 / 100..packets * 42 / 100;
    bytes[hit.start * 188..hit.end * 188]
        .chunks_mut(188)
        .for_each(|packet| packet[60..150].fill(0));
    let video = house.upload(bytes.into()).await;
    let row = house.until(video, is_over).await;
    assert_eq!((row.state, &row.error), (State::Ready, &None));
    let pictures = row.notes.iter().filter(|w| w.message.contains("picture"));
    let spans: Vec<_> = pictures.map(|note| (note.code, note.span_us)).collect();
    assert_eq!(spans, [(Code::Corrupt, Some((8_000_000, 12_000_000)))]);
    let fillers = house.stores.metadata.tries().fillers(&video).await.unwrap();
    assert!(fillers.is_empty(), "{fillers:?}");
}

/// Six seconds of 5.1 sound in the middle of stereo, in a format of which the probe reads only head and tail.
#[tokio::test]
async fn a_change_that_no_probe_saw_is_a_note_with_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let house = house(&folder.path().join("data")).await;
    let made = |name: &str, arguments: &str| {
        let path = folder.path().join(name);
        let ffmpeg = std::process::Command::new("ffmpeg")
            .args(["-v", "error", "-y"])
            .args(arguments.split_whitespace())
            .arg(&path)
            .status();
        assert!(ffmpeg.unwrap().success(), "ffmpeg made no {name}");
        path
    };
    made(
        "stereo.mp4",
        "-f lavfi -i sine=440:r=48000:d=14 -ac 2 -c:a ac3",
    );
    made(
        "surround.mp4",
        "-f lavfi -i sine=880:r=48000:d=6 -ac 6 -c:a ac3",
    );
    let list = folder.path().join("list.txt");
    std::fs::write(
        &list,
        "file stereo.mp4\nfile surround.mp4\nfile stereo.mp4\n",
    )
    .unwrap();
    let splice = format!("-f concat -i {} -c copy", list.display());
    let bytes = std::fs::read(made("spliced.mp4", &splice)).unwrap();
    let video = house.upload(bytes.into()).await;
    let row = house.until(video, is_over).await;
    assert_eq!((row.state, &row.error), (State::Ready, &None));
    let [note] = &row.notes[..] else {
        panic!("one note: {:?}", row.notes)
    };
    assert_eq!((note.code, note.track), (Code::FormatChanges, Some(0)));
    let (from, to) = note.span_us.unwrap();
    assert!((12_000_000..=14_000_000).contains(&from), "from {from}");
    assert!((20_000_000..=24_100_000).contains(&to), "to {to}");
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
        .uploads()
        .create(owner, "Cut off".into(), None, Priority::Interactive)
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
    // The row is marked first; the blocks are deleted right after.
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
    let engine = Engine::beside_current().expect("`make build` puts it beside the tests");
    let pipeline = Pipeline::start(stores.clone(), engine, config);
    let house = House {
        pipeline: pipeline.await.unwrap(),
        stores,
    };
    let owner = house.stores.ids.owner();
    let begun = house
        .pipeline
        .uploads()
        .begin_in_place(owner, "In place".into());
    let row = house.until(begun.await.unwrap().id, is_over).await;
    assert_eq!((row.state, &row.error), (State::Ready, &None));
}

/// Makes H.264 whose parameter sets differ for six seconds in the middle, which no index says.
fn of_two_encoders(folder: &Path) -> Vec<u8> {
    let ffmpeg = |arguments: &str| {
        let made = Command::new("ffmpeg")
            .current_dir(folder)
            .args(["-v", "error", "-y"])
            .args(arguments.split_whitespace())
            .status();
        assert!(made.unwrap().success());
    };
    let mut list = String::new();
    for (part, seconds, how) in [
        ("a", 20, "cabac=1"),
        // This part has one key frame, which the probe does not look at.
        ("b", 2, "cabac=0"),
        ("c", 6, "cabac=1"),
    ] {
        ffmpeg(&format!(
            "-f lavfi -i testsrc2=s=640x360:r=30:d={seconds} -c:v libx264 -preset ultrafast -g 60 \
             -pix_fmt yuv420p -b:v 700k -maxrate 900k -bufsize 900k -x264-params {how} {part}.ts"
        ));
        list += &format!("file {part}.ts\nduration {seconds}\n");
    }
    std::fs::write(folder.join("list"), list).unwrap();
    ffmpeg("-f concat -i list -c copy joined.mp4");
    std::fs::read(folder.join("joined.mp4")).unwrap()
}

#[tokio::test]
async fn pictures_that_cannot_be_passed_through_are_encoded() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Arc::new(SystemClock::new());
    let stores = Local::open(&folder.path().join("data"), Layout::Store, clock).unwrap();
    let mut config = Config::default();
    config.policy.passthrough = true;
    let engine = Engine::beside_current().expect("`make build` puts it beside the tests");
    let pipeline = Pipeline::start(stores.clone(), engine, config);
    let house = House {
        pipeline: pipeline.await.unwrap(),
        stores,
    };
    let video = house.upload(of_two_encoders(folder.path()).into()).await;
    let row = house.until(video, is_over).await;
    assert_eq!((row.state, &row.notes), (State::Ready, &vec![]));
    let first = VideoRow {
        current_plan: Some(row.plans[0].hash.clone()),
        ..row.clone()
    };
    let first = house
        .pipeline
        .videos()
        .plan_of(&first)
        .await
        .unwrap()
        .unwrap();
    let plan = house
        .pipeline
        .videos()
        .plan_of(&row)
        .await
        .unwrap()
        .unwrap();
    assert!(first.passed_through().is_some() && plan.passed_through().is_none());
    assert_eq!(plan.timeline, first.timeline);
    assert_eq!(plan.video[1..], first.video[1..]);
    // Open players play on, also over the segments that could not be copied; nothing of the current plan is missing.
    for rendition in first.media_ids().chain(plan.media_ids()) {
        for index in 0..plan.segments() {
            let key = SegmentKey {
                video,
                rendition,
                index,
            };
            let segment = house
                .pipeline
                .playback()
                .segment(key, Viewer::default())
                .await;
            assert!(!segment.unwrap().bytes.is_empty(), "{key:?}");
        }
    }
    let fillers = house.stores.metadata.tries().fillers(&video).await.unwrap();
    assert!(fillers.is_empty(), "{fillers:?}");
}

/// Makes a still picture in interlaced fields.
fn fields(folder: &Path) -> Bytes {
    let path = folder.join("fields.mp4");
    let picture = "testsrc=s=1280x720:r=25:d=1,trim=end_frame=1,loop=200:1,fps=25,trim=duration=8";
    let made = Command::new("ffmpeg")
        .args(["-v", "error", "-y", "-f", "lavfi", "-i", picture])
        .args([
            "-vf",
            "setfield=tff",
            "-c:v",
            "libx264",
            "-preset",
            "ultrafast",
        ])
        .args(["-flags", "+ildct+ilme", "-x264-params", "tff=1", "-g", "50"])
        .args(["-pix_fmt", "yuv420p"])
        .arg(&path)
        .status();
    assert!(made.unwrap().success());
    std::fs::read(path).unwrap().into()
}

/// Everything that a player of this plan gets: playlists by name, and segments.
async fn played(house: &House, video: VideoId, plan: &Plan) -> BTreeMap<(RenditionId, u32), Bytes> {
    let mut played = BTreeMap::new();
    for rendition in plan.media_ids() {
        let listing = house
            .pipeline
            .videos()
            .plan_with(video, rendition)
            .await
            .unwrap();
        let playlist = manifests::hls::media_playlist(&listing.unwrap(), rendition).unwrap();
        played.insert((rendition, u32::MAX), playlist.into());
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
                .await
                .unwrap();
            played.insert((rendition, index), delivered.bytes);
        }
    }
    played
}

/// The lines of a master playlist that lead to pictures.
fn variants(plan: &Plan, row: &VideoRow) -> Vec<String> {
    let master = manifests::hls::master(plan, &row.average_bandwidth);
    let lines = master.lines().filter(|line| line.starts_with('v'));
    lines.map(str::to_owned).collect()
}

#[tokio::test]
async fn a_title_that_turns_out_easy_loses_rungs_and_its_players_go_on() {
    let folder = tempfile::tempdir().unwrap();
    let house = house(&folder.path().join("data")).await;
    let video = house.upload(fields(folder.path())).await;
    let is_planned = |row: &VideoRow| row.current_plan.is_some() || is_over(row);
    let row = house.until(video, is_planned).await;
    let first = house
        .pipeline
        .videos()
        .plan_of(&row)
        .await
        .unwrap()
        .unwrap();
    let track = first.info.video.as_ref().unwrap();
    assert!(track.interlaced && track.complexity.is_none());
    assert_eq!(variants(&first, &row).len(), 4);
    let before = played(&house, video, &first).await;

    let row = house.until(video, is_over).await;
    assert_eq!((row.state, &row.error), (State::Ready, &None));
    let plan = house
        .pipeline
        .videos()
        .plan_of(&row)
        .await
        .unwrap()
        .unwrap();
    let boxes: Vec<u32> = plan.video.iter().map(|rung| rung.rung).collect();
    assert_eq!(boxes, [720, 480]);
    assert_eq!(plan.video, first.video[..2]);
    let (now, then) = (variants(&plan, &row), variants(&first, &row));
    assert_eq!(now, then[..2]);
    assert!(played(&house, video, &first).await == before);
    house.pipeline.stop().await;
}

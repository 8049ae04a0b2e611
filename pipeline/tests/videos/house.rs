//! A house: a pipeline over the embedded stores, with the real engine.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use pipeline::{Config, Pipeline};
use plan::VideoId;
use store::local::Local;
use store::metadata::{Priority, State, VideoRow};
use store::{Layout, Received, Stores, SystemClock};
use transcoder::Engine;

/// Limit of a wait: longer than anything here takes; a hang is a failure.
pub const PATIENCE: Duration = Duration::from_secs(120);

pub struct House {
    pub pipeline: Pipeline,
    pub stores: Stores,
}

pub async fn house(folder: &Path) -> House {
    house_over(stores(folder)).await
}

pub fn stores(folder: &Path) -> Stores {
    let clock = Arc::new(SystemClock::new());
    Local::open(folder, Layout::Store, clock).unwrap()
}

pub async fn house_over(stores: Stores) -> House {
    let engine = Engine::beside_current().expect("`make build` puts it beside the tests");
    let pipeline = Pipeline::start(stores.clone(), engine, Config::default())
        .await
        .unwrap();
    House { pipeline, stores }
}

pub fn sample(folder: &Path, seconds: u32) -> Bytes {
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
    pub async fn upload(&self, bytes: Bytes) -> VideoId {
        let owner = self.stores.ids.owner();
        let created =
            self.pipeline
                .uploads()
                .create(owner, "A title".into(), None, Priority::Interactive);
        let (row, mut writer) = created.await.unwrap();
        writer.write(bytes).await.unwrap();
        writer.finish().await.unwrap();
        row.id
    }

    /// Waits until a video's row passes a test; events wake the wait.
    pub async fn until(&self, video: VideoId, wanted: impl Fn(&VideoRow) -> bool) -> VideoRow {
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

pub fn is_over(row: &VideoRow) -> bool {
    matches!(row.state, State::Ready | State::Failed)
}

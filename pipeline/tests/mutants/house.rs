//! A house: a pipeline in a folder, with the real engine.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use parking_lot::Mutex;
use pipeline::{Config, Pipeline};
use plan::{Limits, Plan, Policy, VideoId};
use store::local::Local;
use store::metadata::{Priority, State, VideoRow};
use store::{Layout, Received, Stores, SystemClock};
use transcoder::Engine;

/// Limits of sources. A source that lies about its length or size is refused by the same code at any limit; low limits
/// avoid hours of held pictures before that.
const LIMITS: Limits = Limits {
    side_px: 4096,
    frame_px: 1920 * 1088,
    streams: 32,
    duration_seconds: 30,
    frame_rate: 120,
    size_bytes: 64 << 20,
};

pub struct House {
    pub pipeline: Pipeline,
    stores: Stores,
    videos: Mutex<BTreeSet<VideoId>>,
}

impl House {
    pub async fn open(folder: &Path) -> Self {
        let clock = Arc::new(SystemClock::new());
        let stores = Local::open(folder, Layout::Store, clock).unwrap();
        let engine = Engine::beside_current().expect("`make build` puts it beside the tests");
        let policy = Policy {
            limits: LIMITS,
            ..Policy::default()
        };
        let config = Config {
            policy,
            // No viewers are served, so the background need not pause for them.
            lull: Duration::ZERO,
            pause: Duration::from_millis(50),
            ..Config::default()
        };
        let pipeline = Pipeline::start(stores.clone(), engine, config);
        Self {
            pipeline: pipeline.await.unwrap(),
            stores,
            videos: Mutex::default(),
        }
    }

    pub async fn upload(&self, bytes: Bytes) -> VideoId {
        let owner = self.stores.ids.owner();
        let created =
            self.pipeline
                .uploads()
                .create(owner, "A mutant".into(), None, Priority::Interactive);
        let (row, mut writer) = created.await.unwrap();
        self.videos.lock().insert(row.id);
        writer.write(bytes).await.unwrap();
        writer.finish().await.unwrap();
        row.id
    }

    /// Waits until a video is ready or has failed.
    pub async fn over(&self, video: VideoId) -> VideoRow {
        let mut events = self.stores.events.subscribe().await.unwrap();
        loop {
            let row = self.pipeline.videos().get(video).await.unwrap().unwrap();
            if matches!(row.state, State::Ready | State::Failed) {
                return row;
            }
            assert_ne!(events.next().await, Received::Closed);
        }
    }

    /// Asserts that a video that became ready can be listed for players.
    pub async fn render(&self, video: VideoId) -> Arc<Plan> {
        let row = self.pipeline.videos().get(video).await.unwrap().unwrap();
        let plan = self.pipeline.videos().plan_of(&row).await.unwrap().unwrap();
        let averages = &row.average_bandwidth;
        assert!(manifests::hls::master(&plan, averages).starts_with("#EXTM3U"));
        assert!(manifests::dash::mpd(&plan, averages).contains("<MPD"));
        for rendition in plan.media_ids() {
            manifests::hls::media_playlist(&plan, rendition).unwrap();
        }
        manifests::storyboard::vtt(&plan);
        manifests::chapters::vtt(&plan);
        plan
    }

    /// Deletes everything a second time, then stops. A report may have been stored at the moment of the first deletion,
    /// and the sweep that takes it comes only a minute later.
    pub async fn close(self) {
        let videos = std::mem::take(&mut *self.videos.lock());
        self.pipeline.stop().await;
        for video in videos {
            self.pipeline.videos().delete(video).await.unwrap();
        }
    }
}

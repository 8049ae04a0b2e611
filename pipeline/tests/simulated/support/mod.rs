//! A house: a pipeline over embedded stores, with fake engines that run on threads.

mod deaf;
mod fake;
mod full;
mod held;
mod wiped;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::TryStreamExt;
use pipeline::{Config, Pipeline};
use plan::{OwnerId, Plan, RenditionId, VideoId};
use store::local::Local;
use store::metadata::{Priority, State, VideoRow};
use store::work::Worker;
use store::{Clock, Layout, ObjectKey, Prefix, Received, Stores, SystemClock};
use tracing_subscriber::EnvFilter;

use deaf::Deaf;
pub use fake::{Fault, MEASURED, Script};
pub use full::FullDisk;
pub use held::HeldPlan;
pub use wiped::Wipeable;

/// Limit of a wait: longer than anything here takes; a hang is a failure.
const PATIENCE: Duration = Duration::from_secs(120);

pub struct House {
    pub pipeline: Pipeline,
    pub stores: Stores,
    pub disk: Arc<FullDisk>,
}

/// Prints the log of a test's processes if the test fails; `RUST_LOG` sets the level, such as `debug`.
pub fn tell_of_failures() {
    let log = tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::from_default_env())
        .with_ansi(false)
        .with_test_writer();
    // Another test may have installed the log already.
    drop(log.try_init());
}

/// Opens the stores in a folder and starts a pipeline whose engines follow a script.
pub async fn house(folder: &Path, script: &Arc<Script>) -> House {
    house_with(folder, script, |_| {}).await
}

/// Opens a house with changed settings. By default the background does not pause after viewers were served.
pub async fn house_with(
    folder: &Path,
    script: &Arc<Script>,
    set: impl FnOnce(&mut Config),
) -> House {
    house_at(folder, script, Arc::new(SystemClock::new()), set).await
}

/// Opens a house with changed settings and another clock.
pub async fn house_at(
    folder: &Path,
    script: &Arc<Script>,
    clock: Arc<dyn Clock>,
    set: impl FnOnce(&mut Config),
) -> House {
    let mut stores = Local::open(folder, Layout::Store, clock).unwrap();
    let disk = Arc::new(FullDisk::new(stores.objects.clone()));
    stores.objects = disk.clone();
    let mut config = config();
    set(&mut config);
    let pipeline = Pipeline::start(stores.clone(), script.engine(), config);
    House {
        pipeline: pipeline.await.unwrap(),
        stores,
        disk,
    }
}

fn config() -> Config {
    let mut config = Config {
        pause: Duration::from_millis(1),
        lull: Duration::ZERO,
        encode_threads: 2,
        ..Config::default()
    };
    // Fake engines make segments of the same size in every rung, so pruning is switched off.
    config.policy.per_title = false;
    config
}

/// Many processes at the same stores: a house whose pipeline is an origin's.
pub struct Cluster {
    pub house: House,
    pub script: Arc<Script>,
    pub work: Arc<Wipeable>,
    config: Config,
}

impl Cluster {
    pub fn open(folder: &Path, script: &Arc<Script>) -> Self {
        Self::open_with(folder, script, |_| {})
    }

    /// Opens a cluster with changed settings.
    pub fn open_with(folder: &Path, script: &Arc<Script>, set: impl FnOnce(&mut Config)) -> Self {
        tell_of_failures();
        let mut config = config();
        set(&mut config);
        let clock = Arc::new(SystemClock::new());
        let mut stores = Local::open(folder, Layout::Store, clock).unwrap();
        let disk = Arc::new(FullDisk::new(stores.objects.clone()));
        stores.objects = disk.clone();
        let work = Arc::new(Wipeable::new(stores.clock.clone()));
        stores.work = work.clone();
        let house = House {
            pipeline: Pipeline::origin(stores.clone(), config.clone()),
            stores,
            disk,
        };
        Self {
            house,
            script: script.clone(),
            work,
            config,
        }
    }

    pub fn origin(&self) -> Pipeline {
        Pipeline::origin(self.house.stores.clone(), self.config.clone())
    }

    pub fn worker(&self) -> Pipeline {
        self.worker_of(&self.script)
    }

    /// Starts a worker that receives no events from other processes.
    pub fn deaf_worker(&self) -> Pipeline {
        let mut stores = self.house.stores.clone();
        stores.events = Arc::new(Deaf(stores.events));
        Pipeline::worker(stores, self.script.engine(), self.config.clone())
    }

    /// Starts a worker whose engines follow another script.
    pub fn worker_of(&self, script: &Arc<Script>) -> Pipeline {
        let engine = script.engine();
        Pipeline::worker(self.house.stores.clone(), engine, self.config.clone())
    }
}

/// Asserts that these bytes are the segment that fake engines make.
pub fn assert_made(bytes: &[u8], rendition: RenditionId, index: u32) {
    assert_eq!(sketch::word(bytes), Some(format!("{rendition} {index}")));
}

impl House {
    pub async fn upload(&self) -> VideoId {
        self.upload_of(self.stores.ids.owner()).await
    }

    pub async fn upload_of(&self, owner: OwnerId) -> VideoId {
        let created =
            self.pipeline
                .uploads()
                .create(owner, "A title".into(), None, Priority::Interactive);
        let (row, mut writer) = created.await.unwrap();
        writer.write(Bytes::from_static(b"a source")).await.unwrap();
        writer.finish().await.unwrap();
        row.id
    }

    pub async fn row(&self, video: VideoId) -> VideoRow {
        let videos = self.stores.metadata.videos();
        videos.get(&video).await.unwrap().unwrap()
    }

    /// Waits until a video's row passes a test; events wake the wait.
    pub async fn until(&self, video: VideoId, wanted: impl Fn(&VideoRow) -> bool) -> VideoRow {
        let mut events = self.stores.events.subscribe().await.unwrap();
        let reached = async {
            loop {
                let row = self.row(video).await;
                if wanted(&row) {
                    return row;
                }
                assert_ne!(events.next().await, Received::Closed);
            }
        };
        let reached = tokio::time::timeout(PATIENCE, reached).await;
        reached.expect("the state is reached")
    }

    /// Waits until all workers pass a test.
    pub async fn until_workers(&self, are_so: impl Fn(&Worker) -> bool) {
        let reached = async {
            while !self
                .stores
                .work
                .workers()
                .await
                .unwrap()
                .iter()
                .all(&are_so)
            {
                tokio::task::yield_now().await;
            }
        };
        let reached = tokio::time::timeout(PATIENCE, reached).await;
        reached.expect("the workers pass the test in time");
    }

    pub async fn until_over(&self, video: VideoId) -> VideoRow {
        let is_over = |row: &VideoRow| matches!(row.state, State::Ready | State::Failed);
        self.until(video, is_over).await
    }

    /// Asserts that four videos of eight seconds are ready before half of a twenty-minute one is made that the same
    /// owner uploaded first.
    pub async fn short_come_before_long(&self, script: &Arc<Script>) {
        script.gate(Some(20));
        let owner = self.stores.ids.owner();
        let long = self.upload_of(owner).await;
        let (_, plan) = self.until_playable(long).await;
        script.until_waiting(1).await;
        script.lasts(8);
        let mut short = Vec::new();
        for _ in 0..4 {
            short.push(self.upload_of(owner).await);
        }
        for &video in &short {
            self.until_playable(video).await;
        }
        script.gate(None);
        for &video in &short {
            self.until_over(video).await;
        }
        let made = self.segments(long).await.len();
        let all = plan.media_ids().count() * plan.segments() as usize;
        assert!(made < all / 2, "{made} of {all}");
    }

    pub async fn until_playable(&self, video: VideoId) -> (VideoRow, Arc<Plan>) {
        let row = self.until(video, |row| row.current_plan.is_some()).await;
        let plan = self.pipeline.videos().plan_of(&row).await.unwrap().unwrap();
        (row, plan)
    }

    /// All objects that are stored under a prefix.
    pub async fn objects(&self, prefix: Prefix) -> Vec<ObjectKey> {
        let listing = self.stores.objects.list(&prefix).await.unwrap();
        let listed: Vec<_> = listing.try_collect().await.unwrap();
        listed.into_iter().map(|listed| listed.key).collect()
    }

    /// The stored segments of a video with their bytes, by rendition and number.
    pub async fn segments(&self, video: VideoId) -> BTreeMap<(RenditionId, u32), Bytes> {
        let mut segments = BTreeMap::new();
        for key in self.objects(Prefix::Video(video)).await {
            if let ObjectKey::Segment(segment) = key {
                let bytes = store::objects::get(&*self.stores.objects, &key)
                    .await
                    .unwrap();
                segments.insert((segment.rendition, segment.index), bytes);
            }
        }
        segments
    }
}

//! Storms: origins and workers with many failures at once. Messages are lost, late, repeated and refused. Stores are
//! slow, and fail before or after they have done what they were asked. Workers die and stand still, processes are cut
//! off from all others, and time leaps. Viewers lie, plans change under them, uploads complete while the janitor looks,
//! and videos are deleted.
//!
//! A seed decides what happens. The variable `SEED` repeats one storm, `SEEDS` is the number of storms, and `AT_ONCE`
//! the number that run at the same time.
//!
//! Time runs faster than on the wall, and engines are played by threads: a seed repeats the same decisions, but not the
//! same interleaving of everything.

pub(super) mod clock;
mod line;
mod messages;
mod metadata;
mod objects;
mod uploaders;
mod viewers;
mod weather;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt;
use futures::stream;
use parking_lot::Mutex;
use pipeline::{Config, DemandError, Pipeline};
use plan::{CueList, SegmentKey, VideoId};
use store::local::Local;
use store::metadata::{State, VideoRow};
use store::{Layout, ObjectKey, Prefix, Stores};
use tokio::time::timeout;

use self::clock::FastClock;
use self::line::Line;
use self::messages::{StormyEvents, StormyWork};
use self::metadata::StormyMetadata;
use self::objects::StormyObjects;
use self::uploaders::STILL;
use self::weather::Weather;
use super::support::{Script, assert_made, tell_of_failures};

/// Storms in `cargo test`; `make soak` runs ten thousand.
const SEEDS: u64 = 200;
/// Storms that run at once: each storm waits most of the time.
const AT_ONCE: u64 = 8;
/// Limit of a wait, on the wall clock, once the storm is over.
const PATIENCE: Duration = Duration::from_secs(60);
/// Limit of one storm, on the wall clock; a hang is a failure.
const LONGEST: Duration = Duration::from_secs(180);
/// Factor by which time runs faster than on the wall.
const SPEED: u32 = 20;

/// Reads a number from the environment.
///
/// # Panics
///
/// If the variable is set to something else: otherwise another number of storms would run than was asked for.
fn setting(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    let number = text.parse();
    Some(number.unwrap_or_else(|error| panic!("{name}={text}: {error}")))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn in_any_storm_what_is_accepted_becomes_ready_and_what_is_deleted_stays_so() {
    let seeds: Vec<u64> = match setting("SEED") {
        Some(seed) => vec![seed],
        None => (0..setting("SEEDS").unwrap_or(SEEDS)).collect(),
    };
    assert!(!seeds.is_empty(), "SEEDS=0 asks for no storm");
    tell_of_failures();
    println!("{} storms, from seed {}", seeds.len(), seeds[0]);
    let storms = stream::iter(seeds).map(|seed| async move {
        let doing = Arc::new(Mutex::new("begins"));
        let ended = tokio::spawn(storm(Weather::of(seed), doing.clone()));
        match timeout(LONGEST, ended).await {
            Ok(Ok(())) => {}
            Ok(Err(panicked)) => panic!("SEED={seed}: {panicked}"),
            Err(_) => panic!("SEED={seed} hangs: it {}", doing.lock()),
        }
    });
    let at_once = usize::try_from(setting("AT_ONCE").unwrap_or(AT_ONCE)).unwrap();
    storms.buffer_unordered(at_once).collect::<Vec<()>>().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn where_everything_is_said_three_times_nothing_else_becomes_of_it() {
    let storms = (0..8).map(|seed| storm(Weather::echoing(seed), Arc::default()));
    let all = timeout(LONGEST, futures::future::join_all(storms)).await;
    assert!(all.is_ok(), "nothing hangs");
}

/// The processes of a storm, and the stores without the storm's failures.
struct World {
    weather: Arc<Weather>,
    clock: Arc<FastClock>,
    calm: Stores,
    script: Arc<Script>,
    config: Config,
    origin: Pipeline,
    origins_line: Arc<Line>,
}

impl World {
    fn open(folder: &Path, weather: Arc<Weather>) -> Self {
        let clock = Arc::new(FastClock::new(SPEED));
        let calm = Local::open(folder, Layout::Store, clock.clone()).unwrap();
        // The duration gives several chunks and a remainder.
        let script = Script::of(15 + i64::from(weather.below(30)));
        let mut config = Config {
            lull: Duration::ZERO,
            encode_threads: 2,
            ..Config::default()
        };
        // In half of the storms a second plan follows the first one, with levelled sound.
        config.policy.loudness_lufs = (weather.below(2) == 0).then_some(-17);
        let origins_line = Line::new(&calm, &weather);
        let origin = Pipeline::origin(stormy(&calm, &origins_line).0, config.clone());
        Self {
            origins_line,
            weather,
            clock,
            calm,
            script,
            config,
            origin,
        }
    }

    fn worker(&self) -> Worker {
        let line = Line::new(&self.calm, &self.weather);
        let (stores, objects) = stormy(&self.calm, &line);
        Worker {
            pipeline: Pipeline::worker(stores, self.script.engine(), self.config.clone()),
            objects,
            line,
        }
    }

    /// Puts text beside a video, and sometimes takes it away again: each makes a new plan.
    async fn retitle(&self, video: VideoId) {
        let cues = b"1\n00:00:01,000 --> 00:00:02,000\nA word\n";
        let cues = CueList::parse(cues).unwrap();
        let put = self
            .origin
            .videos()
            .put_side_car(video, "en", "English", &cues);
        if put.await.is_ok() && self.weather.below(2) == 0 {
            drop(self.origin.videos().remove_side_car(video, "en").await);
        }
    }

    /// Describes the state of a video, for a failed assertion.
    async fn tell(&self, video: VideoId) -> String {
        let row = self.calm.metadata.videos().get(&video).await;
        let left = self.calm.objects.list(&Prefix::Video(video)).await;
        let left: Vec<_> = left.unwrap().collect().await;
        let workers = self.calm.work.workers().await.unwrap().len();
        format!("{row:?} {workers} {left:?}")
    }
}

struct Worker {
    pipeline: Pipeline,
    objects: Arc<StormyObjects>,
    line: Arc<Line>,
}

impl Worker {
    /// Ends the worker without a message: the chunks that it had taken come again after a time of silence.
    async fn die(self) {
        self.line.die();
        self.pipeline.stop().await;
    }
}

/// Stores as one process sees them in a storm.
fn stormy(calm: &Stores, line: &Arc<Line>) -> (Stores, Arc<StormyObjects>) {
    let objects = Arc::new(StormyObjects::new(calm, line));
    let stores = Stores {
        objects: objects.clone(),
        metadata: Arc::new(StormyMetadata::new(calm, line)),
        work: Arc::new(StormyWork::new(calm, line)),
        events: Arc::new(StormyEvents::new(calm, line)),
        ..calm.clone()
    };
    (stores, objects)
}

async fn storm(weather: Arc<Weather>, doing: Arc<Mutex<&'static str>>) {
    let doing = |what| *doing.lock() = what;
    let folder = tempfile::tempdir().unwrap();
    let world = Arc::new(World::open(folder.path(), weather));
    let weather = &world.weather;
    let mut workers: Vec<_> = (0..=weather.below(3)).map(|_| world.worker()).collect();
    let (mut accepted, mut deleted) = (Vec::new(), Vec::new());
    // Uploads and viewers that run while other things happen.
    let (mut uploads, mut watches) = (Vec::new(), Vec::new());
    for _ in 0..6 + weather.below(6) {
        match weather.below(16) {
            0..=3 => {
                doing("uploads");
                accepted.extend(world.upload().await);
            }
            4 => uploads.push(tokio::spawn(world.clone().upload_past_it())),
            5..=6 => {
                doing("kills a worker");
                let at = weather.below(workers.len() as u32) as usize;
                let dead = std::mem::replace(&mut workers[at], world.worker());
                dead.die().await;
            }
            7 => {
                let at = weather.below(workers.len() as u32) as usize;
                // A late write of this worker is removed by the sweep after a minute; a later one by the sweep after an
                // hour.
                let span = Duration::from_secs(u64::from(weather.below(40)));
                workers[at].objects.stand_still(span);
            }
            8 if !accepted.is_empty() => {
                let at = weather.below(accepted.len() as u32) as usize;
                let video = accepted.swap_remove(at);
                doing("deletes");
                world.delete(video).await;
                deleted.push(video);
            }
            9..=10 => {
                // The index chooses a worker, or the origin if it is past the last worker.
                let at = weather.below(workers.len() as u32 + 1) as usize;
                let line = workers
                    .get(at)
                    .map_or(&world.origins_line, |worker| &worker.line);
                line.cut(Duration::from_secs(u64::from(weather.below(60))));
            }
            11 => {
                doing("puts text beside them");
                for &video in &accepted {
                    world.retitle(video).await;
                }
            }
            12 => world.clock.leap(STILL),
            _ => {
                for &video in &accepted {
                    let world = world.clone();
                    watches.push(tokio::spawn(async move { world.watch(video).await }));
                }
            }
        }
        let pause = Duration::from_millis(u64::from(weather.below(4000)));
        world.calm.clock.sleep(pause).await;
    }
    weather.clear();
    doing("waits for its viewers");
    for watched in watches {
        watched.await.unwrap();
    }
    doing("waits for its uploaders");
    for upload in uploads {
        accepted.extend(upload.await.unwrap());
    }
    doing("waits for what was accepted");
    for video in accepted {
        let ready = timeout(PATIENCE, until_ready(&world, video)).await;
        assert!(ready.is_ok(), "not ready: {}", world.tell(video).await);
        assert_whole(&world, video).await;
    }
    doing("waits for what was deleted");
    for video in deleted {
        let gone = timeout(PATIENCE, until_gone(&world, video)).await;
        assert!(gone.is_ok(), "not gone: {}", world.tell(video).await);
    }
    doing("stops its workers");
    for worker in workers {
        worker.pipeline.stop().await;
    }
    doing("stops its origin");
    world.origin.stop().await;
}

/// Waits until a video is ready, with everything that its plan has got since.
async fn until_ready(world: &World, video: VideoId) {
    let videos = world.calm.metadata.videos();
    loop {
        let row = videos.get(&video).await.unwrap().unwrap();
        assert_ne!(row.state, State::Failed, "{:?}", row.error);
        if row.state == State::Ready && !row.is_unfinished() {
            return;
        }
        world.calm.clock.sleep(Duration::from_millis(200)).await;
    }
}

/// Asserts that all segments of the current plan are stored and have the right bytes, and that segments which only
/// older plans have are made on demand.
async fn assert_whole(world: &World, video: VideoId) {
    let videos = world.calm.metadata.videos();
    let row = videos.get(&video).await.unwrap().unwrap();
    let current = world.origin.videos().plan_of(&row).await.unwrap().unwrap();
    // The other rungs are not worth their bytes, since fake engines make segments of a few bytes.
    let boxes: Vec<u32> = current.video.iter().map(|rung| rung.rung).collect();
    assert_eq!(boxes, [720, 480]);
    // No segment has failed, so there are no fillers.
    let fillers = world.calm.metadata.tries().fillers(&video).await.unwrap();
    assert!(fillers.is_empty(), "{fillers:?}");
    // The source is still stored.
    for part in &row.parts {
        let block = ObjectKey::SourceBlock {
            upload: part.upload,
            index: 0,
        };
        let kept = world.calm.objects.head(&block).await.unwrap();
        assert_eq!(kept.map(|kept| kept.size), Some(part.bytes), "{row:?}");
    }
    for before in &row.plans {
        let current_plan = Some(before.hash.clone());
        let then = VideoRow {
            current_plan,
            ..row.clone()
        };
        let plan = world.origin.videos().plan_of(&then).await.unwrap().unwrap();
        for rendition in plan.media_ids() {
            for index in 0..plan.segments() {
                let key = SegmentKey {
                    video,
                    rendition,
                    index,
                };
                let objects = &*world.calm.objects;
                let is_current = current.has_media(rendition);
                let bytes = match store::objects::get(objects, &ObjectKey::Segment(key)).await {
                    Err(store::Error::NotFound) if !is_current => asked_for(world, key).await,
                    stored => stored.unwrap_or_else(|error| panic!("{key:?}: {error}")),
                };
                assert_made(&bytes, rendition, index);
            }
        }
    }
}

/// Asks for a segment until it is made, as players do after a 503.
async fn asked_for(world: &World, key: SegmentKey) -> Bytes {
    for _ in 0..10 {
        match world.origin.playback().segment(key, world.viewer()).await {
            Ok(made) => return made.bytes,
            Err(DemandError::NotReady) => {}
            Err(error) => panic!("{key:?}: {error}"),
        }
    }
    panic!("{key:?} is not made however often it is asked for");
}

/// Waits until a deleted video is swept, late objects included; deletes it once more where that had failed.
async fn until_gone(world: &World, video: VideoId) {
    let videos = world.calm.metadata.videos();
    if videos.get(&video).await.unwrap().unwrap().state != State::Deleted {
        world.origin.videos().delete(video).await.unwrap();
    }
    loop {
        let row = videos.get(&video).await.unwrap().unwrap();
        assert_eq!(row.state, State::Deleted);
        let mut left = world
            .calm
            .objects
            .list(&Prefix::Video(video))
            .await
            .unwrap();
        if left.next().await.is_none() {
            return;
        }
        // Objects that came very late are removed in the janitor's next round.
        world.clock.leap(STILL);
        world.calm.clock.sleep(Duration::from_secs(5)).await;
    }
}

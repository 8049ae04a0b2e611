//! Origins and workers in a storm: messages are lost, late, repeated and refused, stores are slow and fail before or
//! after they have done what they were asked, workers die and stand still, processes are cut off
//! from all others, time leaps, viewers lie, plans change under them, uploaders complete while the janitor looks, videos are
//! deleted meanwhile. What becomes of it is decided by a seed; `SEED` repeats one, `SEEDS` is how many, `AT_ONCE` how many
//! at the same time.
//!
//! Time runs faster than on the wall, and engines are played by threads: a seed repeats the same
//! decisions, if not the same interleaving of everything.

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

/// Storms of `cargo test`; `make soak` has ten thousand.
const SEEDS: u64 = 200;
/// Storms at once: each waits most of the time.
const AT_ONCE: u64 = 8;
/// Longer than anything takes on the wall once the storm is over.
const PATIENCE: Duration = Duration::from_secs(60);
/// Longer than a storm takes in all; a hang is a failure.
const LONGEST: Duration = Duration::from_secs(180);
/// How much faster time runs.
const SPEED: u32 = 20;

/// A number from the environment.
///
/// # Panics
///
/// Where the variable is set to something else: another number of storms would pass for the one asked for.
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

/// The processes of a storm, and the world as it is without one.
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
        // As long as it takes to have several chunks, and a remainder.
        let script = Script::of(15 + i64::from(weather.below(30)));
        let mut config = Config {
            lull: Duration::ZERO,
            encode_threads: 2,
            ..Config::default()
        };
        // A plan that follows the first one, with another sound.
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

    /// Somebody puts text beside a video, and takes it away again: plans that follow the current one.
    async fn retitle(&self, video: VideoId) {
        let cues = b"1\n00:00:01,000 --> 00:00:02,000\nA word\n";
        let cues = CueList::parse(cues).unwrap();
        let put = self.origin.put_side_car(video, "en", "English", &cues);
        if put.await.is_ok() && self.weather.below(2) == 0 {
            drop(self.origin.remove_side_car(video, "en").await);
        }
    }

    /// What is known of a video.
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
    /// Ends without a word: what was in its hands comes again when it was not heard of for long.
    async fn die(self) {
        self.line.die();
        self.pipeline.stop().await;
    }
}

/// The same stores, as one process sees them in a storm.
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
    // What goes on beside everything else.
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
                // What it writes late is swept after a minute; what is later yet, after an hour.
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
                // One of them, or the origin.
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

/// Ready, with all that its plan has got since.
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

/// All of the current plan is stored, and is what it should be; what only plans before it have is made when it is asked for.
async fn assert_whole(world: &World, video: VideoId) {
    let videos = world.calm.metadata.videos();
    let row = videos.get(&video).await.unwrap().unwrap();
    let current = world.origin.plan_of(&row).await.unwrap().unwrap();
    // None of the others is worth the few bytes that engines make here.
    let boxes: Vec<u32> = current.video.iter().map(|rung| rung.rung).collect();
    assert_eq!(boxes, [720, 480]);
    // Nothing went wrong but the weather.
    let fillers = world.calm.metadata.tries().fillers(&video).await.unwrap();
    assert!(fillers.is_empty(), "{fillers:?}");
    // Its source is kept.
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
        let plan = world.origin.plan_of(&then).await.unwrap().unwrap();
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

/// A segment that a viewer asks for until it is made, as players do after a 503.
async fn asked_for(world: &World, key: SegmentKey) -> Bytes {
    for _ in 0..10 {
        match world.origin.segment(key, world.viewer()).await {
            Ok(made) => return made.bytes,
            Err(DemandError::NotReady) => {}
            Err(error) => panic!("{key:?}: {error}"),
        }
    }
    panic!("{key:?} is not made however often it is asked for");
}

/// Deleted at last where that failed; swept, what a worker put late as well.
async fn until_gone(world: &World, video: VideoId) {
    let videos = world.calm.metadata.videos();
    if videos.get(&video).await.unwrap().unwrap().state != State::Deleted {
        world.origin.delete(video).await.unwrap();
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
        // What came very late is swept in the janitor's next round.
        world.clock.leap(STILL);
        world.calm.clock.sleep(Duration::from_secs(5)).await;
    }
}

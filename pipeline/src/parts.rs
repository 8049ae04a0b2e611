//! The parts of one process, put together: what an origin, a worker, or a process alone on its stores consists of.

use std::sync::Arc;
use std::time::Duration;

use plan::VideoId;
use store::Stores;
use store::work::WorkerId;
use tokio::sync::mpsc;
use transcoder::Engine;

use crate::background::runner::BackgroundRunner;
use crate::background::{self, BackgroundParts};
use crate::cluster::announce::Presence;
use crate::cluster::answer::{self, Answerer};
use crate::cluster::ask::RemoteWorkers;
use crate::cluster::{chunks, hear, reconcile};
use crate::config::Config;
use crate::encoding::demand::{self, Demand};
use crate::encoding::sessions::Sessions;
use crate::encoding::stills::StillMaker;
use crate::encoding::windows::registry::Windows;
use crate::plans::Plans;
use crate::plans::planner::Planner;
use crate::records::Records;
use crate::tasks::Tasks;
use crate::uploads::Uploads;
use crate::videos::delete::{self, Janitor};
use crate::videos::init_segments::InitSegments;
use crate::videos::inventory::Inventory;
use crate::videos::purge::CachePurge;
use crate::videos::start::{self, Starts};
use crate::videos::views::{self, ViewCounter};

/// How long the end of a process waits for view counts to be stored.
const LAST_VIEWS: Duration = Duration::from_secs(5);

/// What a process does of all the work.
pub(crate) enum Role {
    /// Everything: no other process works on its stores.
    Alone(Engine),
    /// It takes uploads and serves viewers, and asks workers for what is missing.
    Origin,
    /// It makes what origins ask for, and everything else.
    Worker(Engine, WorkerId),
}

/// The parts of a process.
pub(crate) struct Parts {
    pub(crate) tasks: Arc<Tasks>,
    pub(crate) records: Arc<Records>,
    pub(crate) planner: Arc<Planner>,
    pub(crate) windows: Arc<Windows>,
    pub(crate) demand: Arc<Demand>,
    pub(crate) stills: Arc<StillMaker>,
    pub(crate) starts: Arc<Starts>,
    pub(crate) uploads: Arc<Uploads>,
    pub(crate) views: Arc<ViewCounter>,
    pub(crate) janitor: Arc<Janitor>,
    /// This worker among the others; nothing where the process is none.
    presence: Option<Arc<Presence>>,
    /// How the workers of a cluster are asked; `None` in a process that has its stores to itself.
    pub(crate) remote: Option<Arc<RemoteWorkers>>,
}

impl Parts {
    /// Puts the parts of a process together. Nothing runs yet but the start of videos whose uploads complete.
    pub(crate) fn new(stores: Stores, role: Role, config: Config) -> Self {
        let (records, config) = (Arc::new(Records::new(stores)), Arc::new(config));
        let inventory = Arc::new(Inventory::new(&records));
        let inits = Arc::new(InitSegments::new(&records, &inventory));
        let tasks = Arc::<Tasks>::default();
        let is_one_of_many = matches!(role, Role::Worker(..));
        let (engine, id) = match role {
            Role::Alone(engine) => (Some(engine), None),
            Role::Worker(engine, id) => (Some(engine), Some(id)),
            Role::Origin => (None, None),
        };
        let is_origin = engine.is_none();
        let works_alone = !is_origin && id.is_none();
        let sessions = Arc::new(Sessions::new(
            (&records, &tasks, &config),
            (&inventory, &inits),
            engine,
            is_one_of_many,
        ));
        let plans = Arc::new(Plans::new(&records));
        let clock = records.stores.clock.clone();
        let purge = Arc::new(CachePurge::new(config.purge.clone(), &tasks, clock));
        let planner = Arc::new(Planner::new(&sessions, &plans, &purge, works_alone));
        let windows = Arc::new(Windows::new(&planner));
        let presence = id.map(|id| {
            Arc::new(Presence {
                id,
                records: records.clone(),
                config: config.clone(),
                plans: plans.clone(),
                windows: windows.clone(),
                tasks: tasks.clone(),
            })
        });
        let remote = (!works_alone).then(|| Arc::new(RemoteWorkers::new(&sessions)));
        // Only an origin has others make what its viewers wait for.
        let asked = remote.as_ref().filter(|_| is_origin);
        let demand = Arc::new(Demand::new(&planner, &windows, asked));
        let (uploads, completions) = Uploads::new(&records, &config);
        let uploads = Arc::new(uploads);
        let starts = Arc::new(Starts::new(&planner, &demand, &uploads, asked));
        let janitor = Janitor {
            planner: planner.clone(),
            uploads: uploads.clone(),
            presence: presence.clone(),
        };
        let parts = Self {
            stills: Arc::new(StillMaker::new(&planner, asked)),
            janitor: Arc::new(janitor),
            views: Arc::default(),
            tasks,
            records,
            planner,
            windows,
            demand,
            starts,
            uploads,
            presence,
            remote,
        };
        parts.start_completed(completions);
        parts
    }

    fn start_completed(&self, completions: mpsc::Receiver<VideoId>) {
        let starting = start::begin_completed(self.starts.clone(), completions);
        self.tasks.spawn(starting);
    }

    /// Begins the work of a process that is alone on its stores.
    pub(crate) fn run_alone(&self) {
        self.count_views();
        self.serve_windows();
        self.tasks.spawn(background::run(Arc::new(BackgroundParts {
            planner: self.planner.clone(),
            windows: self.windows.clone(),
            stills: self.stills.clone(),
            starts: self.starts.clone(),
        })));
        self.tasks.spawn(delete::clean(self.janitor.clone()));
    }

    /// Begins the work of an origin.
    pub(crate) fn run_origin(&self) {
        self.hear();
        self.count_views();
    }

    /// Begins the work of a worker.
    pub(crate) fn run_worker(&self) {
        self.hear();
        self.serve_windows();
        self.tasks.spawn(answer::run(Arc::new(Answerer {
            planner: self.planner.clone(),
            windows: self.windows.clone(),
            demand: self.demand.clone(),
            stills: self.stills.clone(),
            starts: self.starts.clone(),
        })));
        let runner = BackgroundRunner::new(&self.planner, &self.windows, &self.stills);
        self.tasks
            .spawn_in_hand(chunks::run(self.planner.clone(), runner));
        if let Some(presence) = self.presence.clone() {
            self.tasks.spawn(presence.clone().run());
            self.tasks
                .spawn(reconcile::run(self.starts.clone(), presence));
        }
        self.tasks.spawn(delete::clean(self.janitor.clone()));
    }

    fn hear(&self) {
        self.tasks.spawn(hear::run(self.planner.sessions.clone()));
    }

    fn count_views(&self) {
        let counting = views::run(self.views.clone(), self.planner.clone());
        self.tasks.spawn(counting);
    }

    fn serve_windows(&self) {
        let serving = demand::serve_after_releases(self.demand.clone());
        self.tasks.spawn(serving);
    }

    /// Takes nothing new, and finishes what is in hand, within a time.
    pub(crate) async fn drain(&self, within: Duration) {
        self.tasks.drain();
        if let Some(presence) = &self.presence {
            // Others take over the videos that this worker looked after.
            presence.announce().await;
        }
        let drained = self.records.within(within, self.tasks.until_drained());
        if drained.await.is_none() {
            tracing::debug!("what is in hand is left to other workers");
        }
    }

    /// Ends all tasks and engines.
    pub(crate) async fn stop(&self) {
        self.drain(Duration::ZERO).await;
        self.tasks.stop();
        self.windows.close_all();
        loop {
            self.tasks.until_stopped().await;
            // A task's last step may have opened a window, and a session that ends has a last thing to do.
            if !self.windows.close_all() {
                break;
            }
        }
        let counted = views::write(&self.views, &self.planner);
        if self.records.within(LAST_VIEWS, counted).await.is_none() {
            tracing::warn!("view counts are lost: the store does not answer");
        }
        if let Some(engine) = &self.planner.sessions.engine {
            engine.quiet().await;
        }
    }
}

//! What the parts of the pipeline share.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use plan::VideoId;
use store::Stores;
use store::work::WorkerId;
use tokio::sync::{Semaphore, mpsc};
use transcoder::Engine;

use crate::cluster::announce::Presence;
use crate::cluster::ask::RemoteWorkers;
use crate::config::Config;
use crate::encoding::seats::Seats;
use crate::encoding::sessions::Sessions;
use crate::encoding::turns::{Network, Turns};
use crate::encoding::windows::registry::Windows;
use crate::plans::Plans;
use crate::plans::planner::Planner;
use crate::records::Records;
use crate::tasks::Tasks;
use crate::uploads::Uploads;
use crate::videos::init_segments::InitSegments;
use crate::videos::inventory::Inventory;
use crate::videos::purge::CachePurge;
use crate::videos::views::{self, ViewCounter};

/// Probes at once: each reads an index and starts a video; two keep two cores busy.
const STARTS: usize = 2;

/// What a process does of all the work.
pub(crate) enum Role {
    /// Everything: nobody else works on its stores.
    Alone(Engine),
    /// It takes uploads and serves viewers, and asks workers for what is missing.
    Origin,
    /// It makes what it is asked for, and everything else.
    Worker(Engine, WorkerId),
}

pub(crate) struct Inner {
    pub(crate) stores: Stores,
    pub(crate) records: Arc<Records>,
    pub(crate) tasks: Arc<Tasks>,
    pub(crate) role: Role,
    pub(crate) config: Arc<Config>,
    pub(crate) sessions: Arc<Sessions>,
    pub(crate) windows: Arc<Windows>,
    pub(crate) planner: Arc<Planner>,
    pub(crate) purge: Arc<CachePurge>,
    pub(crate) plans: Arc<Plans>,
    /// What is stored of videos that are being worked at.
    pub(crate) inventory: Arc<Inventory>,
    pub(crate) starts: Semaphore,
    /// Videos that are being started, or wait for it.
    pub(crate) starting: Mutex<HashSet<VideoId>>,
    pub(crate) remote: Arc<RemoteWorkers>,
    /// This worker among the others; nothing where the process is none.
    pub(crate) presence: Option<Arc<Presence>>,
    pub(crate) uploads: Arc<Uploads>,
    pub(crate) views: Arc<ViewCounter>,
    /// One stills session at a time.
    pub(crate) stills: Semaphore,
    /// Whose turn it is to have one made that was asked for.
    pub(crate) stills_turns: Arc<Turns>,
    /// Requests that wait for a still.
    pub(crate) stills_waiting: Arc<Seats<Network>>,
    /// Faults at stills that a video needs: its poster, or one of its sheets.
    pub(crate) still_faults: Mutex<HashMap<(VideoId, Option<u32>), u32>>,
}

/// How long an end waits for views to be written down.
const LAST_VIEWS: Duration = Duration::from_secs(5);
/// Requests that may wait for stills: a seek bar full of hovering.
const STILLS_WAITING: usize = 64;

impl Inner {
    /// The parts of a process, and the videos whose uploads complete.
    pub(crate) fn new(
        stores: Stores,
        role: Role,
        config: Config,
    ) -> (Arc<Self>, mpsc::Receiver<VideoId>) {
        let records = Arc::new(Records::new(stores.clone()));
        let inventory = Arc::new(Inventory::new(&records));
        let inits = Arc::new(InitSegments::new(&records, &inventory));
        let (tasks, config) = (Arc::<Tasks>::default(), Arc::new(config));
        let engine = match &role {
            Role::Alone(engine) | Role::Worker(engine, _) => Some(engine.clone()),
            Role::Origin => None,
        };
        let sessions = Arc::new(Sessions::new(
            (&records, &tasks, &config),
            (&inventory, &inits),
            engine,
            matches!(role, Role::Worker(..)),
        ));
        let plans = Arc::new(Plans::new(&records));
        let clock = stores.clock.clone();
        let purge = Arc::new(CachePurge::new(config.purge.clone(), &tasks, clock));
        let works_alone = matches!(role, Role::Alone(_));
        let windows = Arc::<Windows>::default();
        let presence = match &role {
            Role::Worker(_, id) => Some(Arc::new(Presence {
                id: *id,
                records: records.clone(),
                config: config.clone(),
                plans: plans.clone(),
                windows: windows.clone(),
                tasks: tasks.clone(),
            })),
            Role::Alone(_) | Role::Origin => None,
        };
        let remote = RemoteWorkers::new(&sessions);
        let (uploads, completions) = Uploads::new(&records, &config);
        let planner = Planner::new(&sessions, &plans, &purge, works_alone);
        let inner = Arc::new(Self {
            records: records.clone(),
            tasks,
            sessions,
            windows,
            stores,
            role,
            plans,
            planner: Arc::new(planner),
            purge,
            inventory,
            starts: Semaphore::new(STARTS),
            starting: Mutex::default(),
            remote: Arc::new(remote),
            presence,
            uploads: Arc::new(uploads),
            views: Arc::default(),
            stills: Semaphore::new(1),
            stills_turns: Turns::new(1),
            stills_waiting: Seats::new(STILLS_WAITING),
            still_faults: Mutex::default(),
            config,
        });
        (inner, completions)
    }

    /// Whether others are asked for what is missing.
    pub(crate) const fn asks(&self) -> bool {
        matches!(self.role, Role::Origin)
    }

    /// Takes nothing new, and finishes what is in hand, within a time.
    pub(crate) async fn drain(&self, within: Duration) {
        self.tasks.drain();
        if let Some(presence) = &self.presence {
            // Others take over what it looked after.
            presence.announce().await;
        }
        if self
            .records
            .within(within, self.tasks.until_drained())
            .await
            .is_none()
        {
            tracing::debug!("what is in hand is left to others");
        }
    }

    /// Ends all tasks and engines.
    pub(crate) async fn stop(&self) {
        self.drain(Duration::ZERO).await;
        self.tasks.stop();
        self.windows.close_all();
        loop {
            self.tasks.until_stopped().await;
            // A task's last step may have opened a window, and a session that ends has a last
            // thing to do.
            if !self.windows.close_all() {
                break;
            }
        }
        if self
            .records
            .within(LAST_VIEWS, views::write(&self.views, &self.planner))
            .await
            .is_none()
        {
            tracing::warn!("views are lost: the store does not answer");
        }
        if let Some(engine) = &self.sessions.engine {
            engine.quiet().await;
        }
    }
}

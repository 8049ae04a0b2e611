//! What the parts of the pipeline share.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use parking_lot::Mutex;
use plan::{Plan, RenditionId, SegmentKey, VideoId};
use store::work::WorkerId;
use store::{Created, Event, ObjectKey, Stores, objects};
use tokio::sync::Semaphore;
use transcoder::{Engine, memory_of};

use crate::cluster::{Watched, announce};
use crate::config::Config;
use crate::encoding::background_gate::BackgroundGate;
use crate::encoding::claims::ClaimBoard;
use crate::encoding::demand::Demands;
use crate::encoding::memory::Memory;
use crate::encoding::seats::Seats;
use crate::encoding::turns::{Network, Turns};
use crate::plans::Plans;
use crate::records::Records;
use crate::tasks::Tasks;
use crate::uploads::Promised;
use crate::videos::init_segments::InitSegments;
use crate::videos::inventory::Inventory;
use crate::videos::views::{self, Views};

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
    pub(crate) config: Config,
    pub(crate) plans: Arc<Plans>,
    pub(crate) inits: Arc<InitSegments>,
    pub(crate) demands: Demands,
    /// Whether anything is being made for viewers.
    pub(crate) background_gate: Arc<BackgroundGate>,
    /// What is stored of videos that are being worked at.
    pub(crate) inventory: Arc<Inventory>,
    /// What sessions are at.
    pub(crate) claims: ClaimBoard,
    pub(crate) memory: Arc<Memory>,
    pub(crate) starts: Semaphore,
    /// Videos that are being started, or wait for it.
    pub(crate) starting: Mutex<HashSet<VideoId>>,
    /// Videos that workers were lately asked for something of.
    pub(crate) asked: Watched,
    /// Demands that are made at once: as many as there are cores.
    pub(crate) turns: Arc<Turns>,
    pub(crate) views: Views,
    /// One stills session at a time.
    pub(crate) stills: Semaphore,
    /// What uploads under way have still to bring, as far as their senders said.
    pub(crate) promised: Promised,
    /// Source blocks on their way to the store, of all uploads.
    pub(crate) blocks: Arc<Semaphore>,
    /// Whose turn it is to have one made that was asked for.
    pub(crate) stills_turns: Arc<Turns>,
    /// Requests that wait for a still.
    pub(crate) stills_waiting: Arc<Seats<Network>>,
    /// Faults at the text of a video.
    pub(crate) text_faults: Mutex<HashMap<VideoId, u32>>,
    /// Faults at the loudness of a video.
    pub(crate) loudness_faults: Mutex<HashMap<VideoId, u32>>,
    /// Faults at stills that a video needs: its poster, or one of its sheets.
    pub(crate) still_faults: Mutex<HashMap<(VideoId, Option<u32>), u32>>,
}

/// Source blocks that are on their way at once: 128 MiB.
const BLOCKS: usize = 16;
/// How long an end waits for views to be written down.
const LAST_VIEWS: Duration = Duration::from_secs(5);
/// Requests that may wait for stills: a seek bar full of hovering.
const STILLS_WAITING: usize = 64;

impl Inner {
    pub(crate) fn new(stores: Stores, role: Role, config: Config) -> Arc<Self> {
        let records = Arc::new(Records::new(stores.clone()));
        let inventory = Arc::new(Inventory::new(&records));
        Arc::new(Self {
            background_gate: BackgroundGate::new(stores.clock.clone(), config.lull),
            records: records.clone(),
            tasks: Arc::default(),
            stores,
            role,
            plans: Arc::new(Plans::new(&records)),
            inits: Arc::new(InitSegments::new(&records, &inventory)),
            demands: Demands::default(),
            inventory,
            claims: ClaimBoard::default(),
            memory: Memory::new(config.memory_bytes),
            starts: Semaphore::new(STARTS),
            starting: Mutex::default(),
            asked: Watched::default(),
            turns: Turns::new(config.encode_threads.max(1) as usize),
            views: Views::default(),
            stills: Semaphore::new(1),
            promised: Promised::default(),
            blocks: Arc::new(Semaphore::new(BLOCKS)),
            stills_turns: Turns::new(1),
            stills_waiting: Seats::new(STILLS_WAITING),
            text_faults: Mutex::default(),
            loudness_faults: Mutex::default(),
            still_faults: Mutex::default(),
            config,
        })
    }

    /// How engines are started, where any are.
    pub(crate) const fn engine(&self) -> Option<&Engine> {
        match &self.role {
            Role::Alone(engine) | Role::Worker(engine, _) => Some(engine),
            Role::Origin => None,
        }
    }

    /// Whether others are asked for what is missing.
    pub(crate) const fn asks(&self) -> bool {
        matches!(self.role, Role::Origin)
    }

    /// What a session takes that makes these renditions: rungs beyond its budget are encoded
    /// one after the other, the largest in any case.
    pub(crate) fn memory_for(&self, plan: &Plan, renditions: &[RenditionId]) -> u64 {
        let rungs = plan.pictures().filter(|v| renditions.contains(&v.id));
        let largest: Vec<RenditionId> = rungs.map(|v| v.id).take(1).collect();
        let budget = self.config.budget().memory_bytes;
        memory_of(plan, renditions).min(budget.max(memory_of(plan, &largest)))
    }

    /// Takes nothing new, and finishes what is in hand, within a time.
    pub(crate) async fn drain(&self, within: Duration) {
        self.tasks.drain();
        if let Role::Worker(_, id) = self.role {
            // Others take over what it looked after.
            announce::say(self, id).await;
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
        self.demands.close_all();
        loop {
            self.tasks.until_stopped().await;
            // A task's last step may have opened a window, and a session that ends has a last
            // thing to do.
            if !self.demands.close_all() {
                break;
            }
        }
        if self
            .records
            .within(LAST_VIEWS, views::write(self))
            .await
            .is_none()
        {
            tracing::warn!("views are lost: the store does not answer");
        }
        if let Some(engine) = self.engine() {
            engine.quiet().await;
        }
    }

    /// Stores a segment unless there is one, tells who waits, and everybody else.
    pub(crate) async fn publish(&self, key: SegmentKey, bytes: Bytes) -> Result<(), store::Error> {
        let object = ObjectKey::Segment(key);
        let objects = &*self.stores.objects;
        // Only what is stored is served: the bytes of the put that won.
        let served = match objects.put_if_absent(&object, bytes.clone()).await? {
            Created::Yes => bytes,
            Created::No => objects::get(objects, &object).await?,
        };
        let size = served.len() as u64;
        self.inventory.insert(key, size);
        self.demands.made(&key, &served);
        self.records.tell(Event::SegmentStored { key, size }).await;
        Ok(())
    }
}

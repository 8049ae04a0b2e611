//! What all engine sessions of a process share: the engine, its memory, the claims, the turns and the waiting requests.

use std::sync::Arc;

use bytes::Bytes;
use plan::{Plan, RenditionId, SegmentKey};
use store::{Created, Event, ObjectKey, objects};
use transcoder::{Engine, memory_of};

use crate::config::Config;
use crate::encoding::background_gate::BackgroundGate;
use crate::encoding::claims::ClaimBoard;
use crate::encoding::memory::Memory;
use crate::encoding::turns::Turns;
use crate::encoding::waiting::Waiting;
use crate::records::Records;
use crate::tasks::Tasks;
use crate::videos::init_segments::InitSegments;
use crate::videos::inventory::Inventory;

/// Segments that viewers may wait for at once, in a process that makes everything itself: more than a minute's work of
/// two cores.
const SEGMENTS: usize = 256;
/// Segments that viewers may wait for at each encoding place of a worker. The number is small, because another worker
/// may have time.
const SEGMENTS_OF_A_PLACE: usize = 4;

/// Everything that an engine session is opened with.
pub(crate) struct Sessions {
    pub(crate) records: Arc<Records>,
    pub(crate) tasks: Arc<Tasks>,
    pub(crate) config: Arc<Config>,
    pub(crate) inventory: Arc<Inventory>,
    pub(crate) inits: Arc<InitSegments>,
    /// How engines are started; `None` on an origin of a cluster, which makes nothing.
    pub(crate) engine: Option<Engine>,
    pub(crate) memory: Arc<Memory>,
    /// Segments that sessions of this process are making now.
    pub(crate) claims: Arc<ClaimBoard>,
    /// Pauses background sessions while something is made for viewers.
    pub(crate) gate: Arc<BackgroundGate>,
    /// Encoding places for viewers' requests: as many as there are cores.
    pub(crate) turns: Arc<Turns>,
    pub(crate) waiting: Waiting,
}

impl Sessions {
    /// Creates the shared parts of a process that has this engine. `is_one_of_many` is true where several workers share
    /// the requests of viewers.
    pub(crate) fn new(
        (records, tasks, config): (&Arc<Records>, &Arc<Tasks>, &Arc<Config>),
        (inventory, inits): (&Arc<Inventory>, &Arc<InitSegments>),
        engine: Option<Engine>,
        is_one_of_many: bool,
    ) -> Self {
        let clock = records.stores.clock.clone();
        let claims = Arc::new(ClaimBoard::new(records));
        let gate = BackgroundGate::new(clock.clone(), config.lull);
        let turns = Turns::new(config.encode_threads.max(1) as usize);
        let most = match is_one_of_many {
            true => SEGMENTS_OF_A_PLACE * turns.places(),
            false => SEGMENTS,
        };
        let waiting = Waiting::new(clock, config.demand_wait, most, (&gate, &turns, &claims));
        Self {
            records: records.clone(),
            tasks: tasks.clone(),
            config: config.clone(),
            inventory: inventory.clone(),
            inits: inits.clone(),
            engine,
            memory: Memory::new(config.memory_bytes),
            claims,
            gate,
            turns,
            waiting,
        }
    }

    /// Memory in bytes that a session needs to make these renditions. Rungs that exceed the session's budget are
    /// encoded one after the other, so that the need is at most the budget, or the largest rung if that needs more.
    pub(crate) fn memory_for(&self, plan: &Plan, renditions: &[RenditionId]) -> u64 {
        let rungs = plan.pictures().filter(|v| renditions.contains(&v.id));
        let largest: Vec<RenditionId> = rungs.map(|v| v.id).take(1).collect();
        let budget = self.config.budget().memory_bytes;
        memory_of(plan, renditions).min(budget.max(memory_of(plan, &largest)))
    }

    /// Stores a segment unless it is stored already, and tells the waiting requests and all other processes.
    pub(crate) async fn publish(&self, key: SegmentKey, bytes: Bytes) -> Result<(), store::Error> {
        let object = ObjectKey::Segment(key);
        let objects = &*self.records.stores.objects;
        // Viewers get only stored bytes: those of the `put` that came first.
        let served = match objects.put_if_absent(&object, bytes.clone()).await? {
            Created::Yes => bytes,
            Created::No => objects::get(objects, &object).await?,
        };
        let size = served.len() as u64;
        self.inventory.record_segment(key, size);
        self.waiting.deliver(&key, &served);
        self.records.tell(Event::SegmentStored { key, size }).await;
        Ok(())
    }
}

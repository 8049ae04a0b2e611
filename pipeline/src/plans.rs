//! Plans: immutable objects that are named by their hash; a few of them are kept in memory.
//!
//! `Plans` stores, loads and finds plans. `successor` makes another plan of a video the current one, and everything
//! else here uses it: `texts`, `loudness`, `codecs`, `prune`, `passthrough`, `new_encoder` and `remake` each make one
//! kind of new plan. `retire` deletes plans that were replaced long ago, `declined` lists the renditions that this
//! process cannot continue, and `planner` is what all of them share.

pub(crate) mod codecs;
pub(crate) mod declined;
pub(crate) mod loudness;
pub(crate) mod new_encoder;
pub(crate) mod passthrough;
pub(crate) mod planner;
pub(crate) mod prune;
pub(crate) mod remake;
pub(crate) mod retire;
pub(crate) mod successor;
pub(crate) mod texts;

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;
use plan::{Plan, RenditionId, RenditionKey, VideoId};
use store::{ObjectKey, objects};

use self::declined::Declined;
use crate::records::Records;

/// Plans that are kept in memory; the plan of a 12-hour video takes about 1 MB.
const KEPT: usize = 64;

/// The plans of all videos, stored by hash; a few of them are kept in memory.
pub(crate) struct Plans {
    records: Arc<Records>,
    /// Plans in memory with their hashes, the latest first.
    kept: Mutex<VecDeque<(String, Arc<Plan>)>>,
    /// Renditions that the engines of this process cannot continue.
    pub(crate) declined: Declined,
}

impl Plans {
    pub(crate) fn new(records: &Arc<Records>) -> Self {
        Self {
            records: records.clone(),
            kept: Mutex::default(),
            declined: Declined::default(),
        }
    }

    fn get(&self, hash: &str) -> Option<Arc<Plan>> {
        let kept = self.kept.lock();
        let known = kept.iter().find(|(known, _)| known == hash);
        known.map(|(_, plan)| plan.clone())
    }

    fn remember(&self, hash: &str, plan: &Arc<Plan>) {
        let mut kept = self.kept.lock();
        kept.push_front((hash.to_owned(), plan.clone()));
        kept.truncate(KEPT);
    }

    /// Stores a plan and returns its hash. The hash is that of the plan's JSON, which holds integers and strings in a
    /// fixed order, and so is canonical.
    pub(crate) async fn save(
        &self,
        video: VideoId,
        plan: &Arc<Plan>,
    ) -> Result<String, store::Error> {
        let json = json(plan)?;
        let hash = hash_of(&json);
        let key = ObjectKey::Plan {
            video,
            hash: hash.clone(),
        };
        self.records
            .stores
            .objects
            .put_if_absent(&key, Bytes::from(json))
            .await?;
        self.remember(&hash, plan);
        Ok(hash)
    }

    /// Loads the plan with this hash.
    pub(crate) async fn load(&self, video: VideoId, hash: &str) -> Result<Arc<Plan>, store::Error> {
        if let Some(plan) = self.get(hash) {
            return Ok(plan);
        }
        let key = ObjectKey::Plan {
            video,
            hash: hash.to_owned(),
        };
        let json = objects::get(&*self.records.stores.objects, &key).await?;
        let plan =
            serde_json::from_slice(&json).map_err(|e| store::Error::corrupt(e.to_string()))?;
        let plan = Arc::new(plan);
        self.remember(hash, &plan);
        Ok(plan)
    }

    /// Finds the newest plan of a video that lists a rendition.
    pub(crate) async fn listing(
        &self,
        video: VideoId,
        rendition: RenditionId,
    ) -> Result<Option<Arc<Plan>>, store::Error> {
        let Some(row) = self.records.living(video).await? else {
            return Ok(None);
        };
        for reference in row.plans.iter().rev().filter(|known| !known.leaves) {
            let plan = self.load(video, &reference.hash).await?;
            if plan.lists(rendition) {
                return Ok(Some(plan));
            }
        }
        Ok(None)
    }

    /// Whether a rendition of an older plan was given up: no worker can continue it, and other renditions stand for it
    /// in the current plan.
    pub(crate) async fn is_given_up(
        &self,
        plan: &Plan,
        key: RenditionKey,
    ) -> Result<bool, store::Error> {
        let row = self.records.living(key.video).await?;
        let Some(current) = row.and_then(|row| row.current_plan) else {
            return Ok(false);
        };
        let current = self.load(key.video, &current).await?;
        // A rendition of the current plan is begun anew some time, if it must be.
        if current.lists(key.rendition) {
            return Ok(false);
        }
        let is_known = current.given_up.contains(&key.rendition);
        if is_known || !plan.is_of_this_generation(key.rendition) || self.declined.has(key) {
            return Ok(true);
        }
        // The list of workers is a hint: where no worker is known, viewers go on waiting for one.
        let workers = self.records.stores.work.workers().await.unwrap_or_default();
        let mut able = workers.iter().filter(|worker| !worker.drains).peekable();
        Ok(able.peek().is_some() && able.all(|worker| worker.declines.contains(&key)))
    }
}

fn json(plan: &Plan) -> Result<Vec<u8>, store::Error> {
    serde_json::to_vec(plan).map_err(|e| store::Error::corrupt(e.to_string()))
}

fn hash_of(json: &[u8]) -> String {
    blake3::hash(json).to_hex().to_string()
}

//! Init segments: the stored one of a rendition is the valid one. A segment that needs another init segment is not
//! stored beside it.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;
use plan::RenditionKey;
use store::{Created, ObjectKey, objects};

use crate::records::Records;
use crate::videos::inventory::Inventory;

/// Init segments that are kept in memory, about 800 bytes each.
const KEPT: usize = 1024;

/// The init segments of all renditions; those that were read or stored last are kept in memory.
pub(crate) struct InitSegments {
    records: Arc<Records>,
    inventory: Arc<Inventory>,
    /// Init segments in memory, the latest first.
    kept: Mutex<VecDeque<(RenditionKey, Bytes)>>,
}

impl InitSegments {
    pub(crate) fn new(records: &Arc<Records>, inventory: &Arc<Inventory>) -> Self {
        Self {
            records: records.clone(),
            inventory: inventory.clone(),
            kept: Mutex::default(),
        }
    }

    fn get(&self, key: RenditionKey) -> Option<Bytes> {
        let kept = self.kept.lock();
        let found = kept.iter().find(|(known, _)| *known == key);
        found.map(|(_, init)| init.clone())
    }

    /// Forgets an init segment that was deleted.
    pub(crate) fn forget(&self, key: RenditionKey) {
        self.kept.lock().retain(|(known, _)| *known != key);
    }

    fn remember(&self, key: RenditionKey, init: Bytes) {
        let mut kept = self.kept.lock();
        kept.push_front((key, init));
        kept.truncate(KEPT);
    }

    /// Whether this is the init segment of a rendition. It is compared with the stored one, or stored if there is none.
    pub(crate) async fn store_or_compare(
        &self,
        key: RenditionKey,
        init: &[u8],
    ) -> Result<bool, store::Error> {
        match self.get(key) {
            Some(known) => Ok(known == init),
            None => self.store_or_compare_uncached(key, init).await,
        }
    }

    /// Does the same as [`Self::store_or_compare`], but reads the store in any case.
    pub(crate) async fn store_or_compare_uncached(
        &self,
        key: RenditionKey,
        init: &[u8],
    ) -> Result<bool, store::Error> {
        let object = ObjectKey::Init(key);
        let objects = &*self.records.stores.objects;
        let stored = match objects::get(objects, &object).await {
            Err(store::Error::NotFound) => {
                let fresh = Bytes::copy_from_slice(init);
                match objects.put_if_absent(&object, fresh.clone()).await? {
                    Created::Yes => fresh,
                    Created::No => objects::get(objects, &object).await?,
                }
            }
            read => read?,
        };
        self.inventory.record_init(key);
        self.remember(key, stored.clone());
        Ok(stored == init)
    }
}

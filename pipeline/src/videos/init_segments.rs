//! Init segments: the stored one counts. What is decoded with another one is not stored beside it.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;
use plan::RenditionKey;
use store::{Created, ObjectKey, objects};

use crate::records::Records;
use crate::videos::inventory::Inventory;

/// Init segments kept in memory, of about 800 bytes each.
const KEPT: usize = 1024;

/// The init segments of all renditions; those that were read or stored last are kept in memory.
pub(crate) struct InitSegments {
    records: Arc<Records>,
    inventory: Arc<Inventory>,
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

    /// The rendition's init segment was deleted.
    pub(crate) fn forget(&self, key: RenditionKey) {
        self.kept.lock().retain(|(known, _)| *known != key);
    }

    fn keep(&self, key: RenditionKey, init: Bytes) {
        let mut kept = self.kept.lock();
        kept.push_front((key, init));
        kept.truncate(KEPT);
    }

    /// Whether this is the init segment of a rendition: the stored one, which it becomes where there is none.
    pub(crate) async fn is_stored(
        &self,
        key: RenditionKey,
        init: &[u8],
    ) -> Result<bool, store::Error> {
        match self.get(key) {
            Some(known) => Ok(known == init),
            None => self.is_stored_now(key, init).await,
        }
    }

    /// The same without what is remembered.
    pub(crate) async fn is_stored_now(
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
        self.inventory.init(key);
        self.keep(key, stored.clone());
        Ok(stored == init)
    }
}

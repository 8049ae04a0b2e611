//! Init segments: the stored one counts. What is decoded with another one is not stored beside it.

use std::collections::VecDeque;

use bytes::Bytes;
use parking_lot::Mutex;
use plan::RenditionKey;
use store::{Created, ObjectKey, objects};

use crate::inner::Inner;

/// Init segments kept in memory, of about 800 bytes each.
const KEPT: usize = 1024;

/// Those that were read or stored last.
#[derive(Default)]
pub(crate) struct InitCache(Mutex<VecDeque<(RenditionKey, Bytes)>>);

impl InitCache {
    fn get(&self, key: RenditionKey) -> Option<Bytes> {
        let kept = self.0.lock();
        let found = kept.iter().find(|(known, _)| *known == key);
        found.map(|(_, init)| init.clone())
    }

    /// It is deleted.
    pub(crate) fn forget(&self, key: RenditionKey) {
        self.0.lock().retain(|(known, _)| *known != key);
    }

    fn keep(&self, key: RenditionKey, init: Bytes) {
        let mut kept = self.0.lock();
        kept.push_front((key, init));
        kept.truncate(KEPT);
    }
}

/// Whether this is the init segment of a rendition: the stored one, which it becomes where there is none.
pub(crate) async fn is_stored(
    inner: &Inner,
    key: RenditionKey,
    init: &[u8],
) -> Result<bool, store::Error> {
    match inner.inits.get(key) {
        Some(known) => Ok(known == init),
        None => is_stored_now(inner, key, init).await,
    }
}

/// The same without what is remembered.
pub(crate) async fn is_stored_now(
    inner: &Inner,
    key: RenditionKey,
    init: &[u8],
) -> Result<bool, store::Error> {
    let object = ObjectKey::Init(key);
    let objects = &*inner.stores.objects;
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
    inner.inventory.init(key);
    inner.inits.keep(key, stored.clone());
    Ok(stored == init)
}

//! Copies one object, and checks that the target has the bytes that were read from the source.

use std::sync::Arc;

use store::objects::get;
use store::{Checksum, Error, Listed, ObjectKey};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::Migration;
use super::trouble::Trouble;

/// Bytes of objects that are held in memory at once: sixteen source blocks of 8 MiB. More gain nothing on a gigabit
/// network, where a block takes 70 ms.
const MEMORY: u64 = 128 << 20;
/// Bytes of memory that an object counts at least, so that at most sixteen objects are copied at once.
const LEAST: u64 = 8 << 20;
/// Bytes that one permit of the semaphore stands for: permits are counted in 32 bits.
const UNIT: u64 = 64 << 10;

/// Memory for objects that are being copied, as a semaphore with one permit for each `UNIT`.
pub fn memory() -> Arc<Semaphore> {
    Arc::new(Semaphore::new((MEMORY / UNIT) as usize))
}

/// Whether the object under a key may be replaced by a better one later. All other objects never change.
const fn may_change(key: &ObjectKey) -> bool {
    matches!(key, ObjectKey::Poster(..) | ObjectKey::Thumbnail { .. })
}

impl Migration {
    /// Waits until there is memory to copy an object, and reserves it.
    pub async fn reserve_memory(&self, object: &Listed) -> Result<OwnedSemaphorePermit, Trouble> {
        // With `verify` the object is in memory twice. An object that is larger than all of the memory is copied alone.
        let copies = if self.verify { 2 } else { 1 };
        let bytes = object.size.max(LEAST).saturating_mul(copies).min(MEMORY);
        let permits = Arc::clone(&self.memory).acquire_many_owned((bytes / UNIT) as u32);
        Ok(permits.await.map_err(Error::unavailable)?)
    }

    /// Copies an object unless the target has it; `there` is the size of the target's object. If the video was complete
    /// in the target before, an object of the same size counts as the same, unless it may change.
    pub async fn copy_object(
        &self,
        object: &Listed,
        there: Option<u64>,
        was_whole: bool,
    ) -> Result<(), Trouble> {
        let copied = self.try_copy_object(object, there, was_whole).await;
        copied.map_err(|trouble| match trouble {
            Trouble::Store(error) => Trouble::Object(object.key.clone(), error),
            other => other,
        })
    }

    async fn try_copy_object(
        &self,
        object: &Listed,
        there: Option<u64>,
        was_whole: bool,
    ) -> Result<(), Trouble> {
        let key = &object.key;
        if let Some(size) = there {
            if size == object.size && self.is_same(key, was_whole).await? {
                self.counts.add_object_there();
                return Ok(());
            }
            if !may_change(key) {
                return Err(Trouble::Differs(key.clone()));
            }
        }
        self.copy(key).await?;
        self.counts.add_copied_object(object.size);
        Ok(())
    }

    /// Whether source and target have the same bytes under a key, where both objects have the same size.
    async fn is_same(&self, key: &ObjectKey, was_whole: bool) -> Result<bool, Error> {
        let (from, to) = (&*self.from.objects, &*self.to.objects);
        if self.verify {
            let (ours, theirs) = tokio::try_join!(get(from, key), get(to, key))?;
            return Ok(ours == theirs);
        }
        if was_whole && !may_change(key) {
            return Ok(true);
        }
        let (ours, theirs) = tokio::try_join!(from.checksum(key), to.checksum(key))?;
        Ok(ours == theirs)
    }

    /// Copies an object and checks what the target has then.
    async fn copy(&self, key: &ObjectKey) -> Result<(), Trouble> {
        let to = &*self.to.objects;
        let body = match get(&*self.from.objects, key).await {
            Err(Error::NotFound) => return Err(Trouble::Gone(key.clone())),
            read => read?,
        };
        if key.is_published() {
            // The answer does not matter: the object may be there already, for example by an earlier call whose answer
            // was lost. The check below compares what the target has.
            to.put_if_absent(key, body.clone()).await?;
        } else {
            to.put(key, body.clone()).await?;
        }
        let is_there = to.checksum(key).await? == Some(Checksum::of(&body))
            && (!self.verify || get(to, key).await? == body);
        if is_there {
            Ok(())
        } else {
            Err(Trouble::Differs(key.clone()))
        }
    }
}

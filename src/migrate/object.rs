//! One object: copied, and seen to be there as it was read.

use std::sync::Arc;

use store::objects::get;
use store::{Checksum, Error, Listed, ObjectKey};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::Migration;
use super::trouble::Trouble;

/// Bytes of objects in memory at once: sixteen source blocks. More gain nothing on a network of
/// a gigabit, where one takes 70 ms.
const ROOM: u64 = 128 << 20;
/// What an object takes of it at least, so that sixteen are under way at most.
const LEAST: u64 = 8 << 20;
/// A semaphore counts to 32 bits.
const UNIT: u64 = 64 << 10;

/// Room for objects that are under way.
pub fn room() -> Arc<Semaphore> {
    Arc::new(Semaphore::new((ROOM / UNIT) as usize))
}

/// Whether an object may be made again, better, under the same name.
const fn may_change(key: &ObjectKey) -> bool {
    matches!(key, ObjectKey::Poster(..) | ObjectKey::Thumbnail { .. })
}

impl Migration {
    /// Waits for room for an object.
    pub async fn room(&self, object: &Listed) -> Result<OwnedSemaphorePermit, Trouble> {
        // Read back, it is there twice. What is larger than all the room goes alone.
        let copies = if self.verify { 2 } else { 1 };
        let bytes = object.size.max(LEAST).saturating_mul(copies).min(ROOM);
        let room = Arc::clone(&self.room).acquire_many_owned((bytes / UNIT) as u32);
        Ok(room.await.map_err(Error::unavailable)?)
    }

    /// Copies an object, unless it is there; `there` is its size in the target. An object of a
    /// video that was whole before is known by its size, unless it may change.
    pub async fn object(
        &self,
        object: &Listed,
        there: Option<u64>,
        was_whole: bool,
    ) -> Result<(), Trouble> {
        let copied = self.try_object(object, there, was_whole).await;
        copied.map_err(|trouble| match trouble {
            Trouble::Store(error) => Trouble::Object(object.key.clone(), error),
            other => other,
        })
    }

    async fn try_object(
        &self,
        object: &Listed,
        there: Option<u64>,
        was_whole: bool,
    ) -> Result<(), Trouble> {
        let key = &object.key;
        if let Some(size) = there {
            if size == object.size && self.is_there(key, was_whole).await? {
                self.counts.there();
                return Ok(());
            }
            if !may_change(key) {
                return Err(Trouble::Differs(key.clone()));
            }
        }
        self.copy(key).await?;
        self.counts.copied(object.size);
        Ok(())
    }

    /// Whether an object of the same size is the same.
    async fn is_there(&self, key: &ObjectKey, was_whole: bool) -> Result<bool, Error> {
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

    async fn copy(&self, key: &ObjectKey) -> Result<(), Trouble> {
        let to = &*self.to.objects;
        let body = match get(&*self.from.objects, key).await {
            Err(Error::NotFound) => return Err(Trouble::Gone(key.clone())),
            read => read?,
        };
        if key.is_published() {
            // Whether it was there by now, by a sending whose answer was lost for one: what is
            // there decides.
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

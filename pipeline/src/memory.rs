//! The engines' memory, shared by all sessions. The background takes what is free, and gives it
//! back when somebody who cannot wait is short of it.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

/// Counted in MiB: a semaphore's permits are 32 bits.
const UNIT: u64 = 1 << 20;

pub(crate) struct Memory {
    pool: Arc<Semaphore>,
    units: u32,
    /// How many wait for a share.
    waiting: watch::Sender<usize>,
}

/// A session's share; given back when dropped.
pub(crate) struct Share(OwnedSemaphorePermit);

impl Share {
    /// Whether it covers this many bytes, or does now.
    pub(crate) fn grow(&mut self, bytes: u64, memory: &Memory) -> bool {
        let lacks = memory
            .units_of(bytes)
            .saturating_sub(self.0.num_permits() as u32);
        let more = memory.pool.clone().try_acquire_many_owned(lacks);
        more.is_ok_and(|more| {
            self.0.merge(more);
            true
        })
    }
}

struct Waiting<'a>(&'a watch::Sender<usize>);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.send_modify(|waiting| *waiting -= 1);
    }
}

impl Memory {
    pub(crate) fn new(total_bytes: u64) -> Self {
        let units = u32::try_from(total_bytes / UNIT).unwrap_or(u32::MAX >> 4);
        let units = units.clamp(1, u32::MAX >> 4);
        Self {
            pool: Arc::new(Semaphore::new(units as usize)),
            units,
            waiting: watch::Sender::new(0),
        }
    }

    fn units_of(&self, bytes: u64) -> u32 {
        // What needs more than there is gets all there is: one session always runs.
        u32::try_from(bytes.div_ceil(UNIT)).map_or(self.units, |units| units.clamp(1, self.units))
    }

    /// Waits for a share, first come first served. Safe to drop at any time.
    pub(crate) async fn take(&self, bytes: u64) -> Share {
        if let Some(share) = self.try_take(bytes) {
            return share;
        }
        self.waiting.send_modify(|waiting| *waiting += 1);
        let _waiting = Waiting(&self.waiting);
        loop {
            let units = self.units_of(bytes);
            // The semaphore is never closed.
            if let Ok(permit) = self.pool.clone().acquire_many_owned(units).await {
                return Share(permit);
            }
        }
    }

    /// A share if there is one now.
    pub(crate) fn try_take(&self, bytes: u64) -> Option<Share> {
        let units = self.units_of(bytes);
        let permit = self.pool.clone().try_acquire_many_owned(units).ok()?;
        Some(Share(permit))
    }

    /// Whether somebody waits for a share: sessions that only stay warm should end.
    pub(crate) fn is_short(&self) -> bool {
        *self.waiting.borrow() > 0
    }

    /// Changes whenever somebody begins or ceases to wait for a share.
    pub(crate) fn changes(&self) -> watch::Receiver<usize> {
        self.waiting.subscribe()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn one_session_always_runs_and_the_next_waits() {
        let memory = Memory::new(64 << 20);
        let mut all = memory.take(1).await;
        assert!(all.grow(1 << 40, &memory));
        let mut next = Box::pin(memory.take(1));
        assert!(futures::poll!(&mut next).is_pending());
        assert!(memory.is_short());
        drop(all);
        next.await;
        assert!(!memory.is_short());
    }
}

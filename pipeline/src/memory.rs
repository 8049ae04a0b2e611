//! The engines' memory: half of it is the background's, the other is shared by sessions that
//! somebody waits for.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Counted in MiB: a semaphore's permits are 32 bits.
const UNIT: u64 = 1 << 20;

pub(crate) struct Memory {
    pool: Arc<Semaphore>,
    units: u32,
    waiting: AtomicUsize,
}

/// A session's share; given back when dropped.
pub(crate) struct Share(Option<OwnedSemaphorePermit>);

impl Share {
    /// The background's half, which only one session uses at a time.
    pub(crate) const fn background() -> Self {
        Self(None)
    }

    /// Whether it covers this many bytes.
    pub(crate) fn covers(&self, bytes: u64, memory: &Memory) -> bool {
        let held = self.0.as_ref().map_or(u32::MAX, |p| p.num_permits() as u32);
        held >= memory.units_of(bytes)
    }
}

struct Waiting<'a>(&'a AtomicUsize);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Memory {
    pub(crate) fn new(total_bytes: u64) -> Self {
        let units = u32::try_from(total_bytes / 2 / UNIT).unwrap_or(u32::MAX >> 4);
        let units = units.clamp(1, u32::MAX >> 4);
        Self {
            pool: Arc::new(Semaphore::new(units as usize)),
            units,
            waiting: AtomicUsize::new(0),
        }
    }

    fn units_of(&self, bytes: u64) -> u32 {
        // What needs more than there is gets all there is: one session always runs.
        u32::try_from(bytes.div_ceil(UNIT)).map_or(self.units, |units| units.clamp(1, self.units))
    }

    /// Waits for a share, first come first served. Safe to drop at any time.
    pub(crate) async fn take(&self, bytes: u64) -> Share {
        self.waiting.fetch_add(1, Ordering::Relaxed);
        let _waiting = Waiting(&self.waiting);
        // The semaphore is never closed.
        let permit = self
            .pool
            .clone()
            .acquire_many_owned(self.units_of(bytes))
            .await;
        Share(permit.ok())
    }

    /// A share if there is one now.
    pub(crate) fn try_take(&self, bytes: u64) -> Option<Share> {
        let units = self.units_of(bytes);
        let permit = self.pool.clone().try_acquire_many_owned(units).ok()?;
        Some(Share(Some(permit)))
    }

    /// Whether somebody waits for a share: sessions that only stay warm should end.
    pub(crate) fn is_short(&self) -> bool {
        self.waiting.load(Ordering::Relaxed) > 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn one_session_always_runs_and_the_next_waits() {
        let memory = Memory::new(64 << 20);
        let all = memory.take(1 << 40).await;
        assert!(all.covers(1 << 40, &memory));
        let mut next = Box::pin(memory.take(1));
        assert!(futures::poll!(&mut next).is_pending());
        assert!(memory.is_short());
        drop(all);
        next.await;
        assert!(!memory.is_short());
    }
}

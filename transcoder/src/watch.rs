//! The parent's clock over the engine's orders.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

/// Runs while the engine works; stands still while it is held, idle, or waits for us.
#[derive(Default)]
pub(crate) struct Watch {
    /// What is left to each order given and not yet answered.
    left: VecDeque<Duration>,
    running: Option<Instant>,
    held: bool,
    waits: bool,
    /// Reads since it last stood still.
    idle_reads: u64,
}

/// Reads that an engine may ask for while it has nothing to do: what it read ahead.
const IDLE_READS: u64 = 1024;
/// What lies between two pictures, at each of which it would hold: all of a source without an index, once for picture
/// and once for sound.
const PASSES: u64 = 2;
/// Bytes of a read.
const READ_BYTES: u64 = 256 << 10;

impl Watch {
    pub(crate) fn given(&mut self, allowance: Duration) {
        self.left.push_back(allowance);
        self.settle();
    }

    pub(crate) fn answered(&mut self) {
        self.stop();
        self.left.pop_front();
        self.settle();
    }

    pub(crate) fn hold(&mut self) {
        self.held = true;
        self.settle();
    }

    pub(crate) fn resume(&mut self) {
        self.held = false;
        self.settle();
    }

    /// The engine's products wait for their owner: that is not the engine's time.
    pub(crate) fn waits(&mut self, waits: bool) {
        self.waits = waits;
        self.settle();
    }

    /// Whether the engine may read now: it does not work for nothing while its clock stands still.
    pub(crate) fn permits_read(&mut self, source_bytes: u64) -> bool {
        if self.running.is_some() {
            self.idle_reads = 0;
            return true;
        }
        self.idle_reads += 1;
        let most = match self.left.is_empty() {
            true => IDLE_READS,
            false => IDLE_READS + PASSES * source_bytes.div_ceil(READ_BYTES),
        };
        self.idle_reads <= most
    }

    fn settle(&mut self) {
        if self.held || self.waits || self.left.is_empty() {
            self.stop();
        } else if self.running.is_none() {
            self.running = Some(Instant::now());
        }
    }

    fn stop(&mut self) {
        if let (Some(since), Some(left)) = (self.running.take(), self.left.front_mut()) {
            *left = left.saturating_sub(since.elapsed());
        }
    }

    /// Ends when the engine has had its time.
    pub(crate) async fn expired(&self) {
        match (self.running, self.left.front()) {
            (Some(since), Some(left)) => tokio::time::sleep_until(since + *left).await,
            _ => std::future::pending().await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn time_held_does_not_count() {
        let second = Duration::from_secs(1);
        let mut watch = Watch::default();
        watch.given(second * 10);
        tokio::time::advance(second * 4).await;
        watch.hold();
        tokio::time::advance(second * 100).await;
        watch.resume();
        let resumed = Instant::now();
        watch.expired().await;
        assert_eq!(resumed.elapsed().as_secs(), 6);
    }

    #[tokio::test(start_paused = true)]
    async fn the_next_order_has_its_own_time() {
        let second = Duration::from_secs(1);
        let mut watch = Watch::default();
        watch.given(second * 10);
        watch.given(second * 20);
        tokio::time::advance(second * 9).await;
        watch.answered();
        let answered = Instant::now();
        watch.expired().await;
        assert_eq!(answered.elapsed().as_secs(), 20);
    }
}

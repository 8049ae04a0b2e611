//! The parent's clock over the engine's orders.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

/// Clock that runs while the engine works. It stands still while the engine is held, has no order, or waits for us.
#[derive(Default)]
pub(crate) struct Watch {
    /// Time left to each order that was given and not answered yet.
    left: VecDeque<Duration>,
    running: Option<Instant>,
    held: bool,
    waits: bool,
    /// Number of reads since the clock last stopped.
    idle_reads: u64,
}

/// Most reads that an engine may ask for while it has no order: those of its read-ahead.
const IDLE_READS: u64 = 1024;
/// Most passes over the source that a held engine may still make. It holds only between two pictures, and a source
/// without an index is read whole to reach one: once for picture and once for sound.
const PASSES: u64 = 2;
/// Bytes of a read.
const READ_BYTES: u64 = 256 << 10;

impl Watch {
    pub(crate) fn add_order(&mut self, allowance: Duration) {
        self.left.push_back(allowance);
        self.update();
    }

    pub(crate) fn end_order(&mut self) {
        self.stop();
        self.left.pop_front();
        self.update();
    }

    pub(crate) fn hold(&mut self) {
        self.held = true;
        self.update();
    }

    pub(crate) fn resume(&mut self) {
        self.held = false;
        self.update();
    }

    /// Stops or starts the clock: time during which products wait for their owner is not the engine's time.
    pub(crate) fn set_waiting(&mut self, waits: bool) {
        self.waits = waits;
        self.update();
    }

    /// Records a read of the engine; returns whether it is allowed: while the clock stands still, only some reads are.
    pub(crate) fn record_read(&mut self, source_bytes: u64) -> bool {
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

    fn update(&mut self) {
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

    /// Completes when the engine's time is over.
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
        watch.add_order(second * 10);
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
        watch.add_order(second * 10);
        watch.add_order(second * 20);
        tokio::time::advance(second * 9).await;
        watch.end_order();
        let answered = Instant::now();
        watch.expired().await;
        assert_eq!(answered.elapsed().as_secs(), 20);
    }
}
